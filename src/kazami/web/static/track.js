// The track of an incident: closer and farther, earlier and later; the evidence of what the pointer or the focus is on.
"use strict";
(() => {
  const figure = document.querySelector("figure.trace");
  if (!figure) return;
  const lit = figure.querySelector(".lit");
  const tools = figure.querySelector(".zoom");
  tools.hidden = false;
  const show = (mark) => {
    figure.querySelectorAll("a.on").forEach((one) => one.classList.remove("on"));
    mark.classList.add("on");
    const found = mark.dataset.steps.split(" ").map((number) => document.getElementById(`step-${number}`)).filter(Boolean);
    lit.replaceChildren(...found.slice(0, 3).map((step) => {
      const line = document.createElement("p");
      for (const part of step.querySelectorAll(".when, strong, .proof")) line.append(part.cloneNode(true), " ");
      return line;
    }));
    lit.hidden = !found.length;
  };
  const pictures = [...figure.querySelectorAll("svg.track")].map((svg) => {
    const whole = svg.viewBox.baseVal;
    const [width, height] = [whole.width, whole.height];
    let [x, y, near] = [0, 0, 1];
    const draw = () => {
      near = Math.min(Math.max(near, 1), 8);
      x = Math.min(Math.max(x, 0), width - width / near);
      y = Math.min(Math.max(y, 0), height - height / near);
      svg.setAttribute("viewBox", `${x} ${y} ${width / near} ${height / near}`);
      svg.classList.toggle("near", near > 1);
    };
    const zoom = (by, atX = 0.5, atY = 0.5) => {
      const before = near;
      near = Math.min(Math.max(near * by, 1), 8);
      x += (atX * width) / before - (atX * width) / near;
      y += (atY * height) / before - (atY * height) / near;
      draw();
    };
    const move = (byX, byY) => { x += byX * (width / near); y += byY * (height / near); draw(); };
    const reset = () => { near = 1; draw(); };
    const reveal = (mark) => {
      const box = mark.getBBox();
      const [cx, cy, w, h] = [box.x + box.width / 2, box.y + box.height / 2, width / near, height / near];
      if (cx < x || cx > x + w || cy < y || cy > y + h) { x = cx - w / 2; y = cy - h / 2; draw(); }
    };
    const place = (event) => {
      const box = svg.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    const down = new Map();
    let moved = 0;
    svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.25 : 0.8, ...place(event));
    }, { passive: false });
    svg.addEventListener("pointerdown", (event) => { if (!down.size) moved = 0; down.set(event.pointerId, place(event)); });
    svg.addEventListener("pointermove", (event) => {
      const from = down.get(event.pointerId);
      if (!from) return;
      const to = place(event);
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      const far = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]);
      if (other) { if (far(from) > 0.02) zoom(far(to) / far(from), ...other); }
      else if (near > 1) move(from[0] - to[0], from[1] - to[1]);
      moved += Math.hypot(to[0] - from[0], to[1] - from[1]);
      down.set(event.pointerId, to);
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) svg.addEventListener(name, (event) => down.delete(event.pointerId));
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    svg.addEventListener("pointerover", (event) => { const mark = event.target.closest("a"); if (mark) show(mark); });
    svg.addEventListener("focusin", (event) => { const mark = event.target.closest("a"); if (mark) { reveal(mark); show(mark); } });
    svg.addEventListener("click", (event) => {
      const mark = event.target.closest("a");
      if (!mark) return;
      if (moved > 0.01 || event.pointerType === "touch") event.preventDefault();
      if (moved <= 0.01) show(mark);
    });
    return { zoom, move, reset };
  });
  const acts = {
    in: (one) => one.zoom(1.5), out: (one) => one.zoom(1 / 1.5), whole: (one) => one.reset(),
    left: (one) => one.move(-0.25, 0), right: (one) => one.move(0.25, 0),
  };
  tools.addEventListener("click", (event) => { const act = acts[event.target.dataset.zoom]; if (act) pictures.forEach(act); });
})();
