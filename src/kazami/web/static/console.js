// Keys, counting what is chosen, and times of this browser. Every page works without it.
"use strict";
(() => {
  const typing = (target) => target.closest("input, select, textarea, [contenteditable]") && target.type !== "checkbox";
  const rows = () => [...document.querySelectorAll("[data-rows] tbody tr")].filter((row) => row.querySelector(".open"));
  const here = () => rows().findIndex((row) => row.classList.contains("here"));
  const go = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = here();
    if (now >= 0) all[now].classList.remove("here");
    const next = Math.min(Math.max(now + step, 0), all.length - 1);
    all[next].classList.add("here");
    all[next].querySelector(".open").focus({ preventScroll: true });
    all[next].scrollIntoView({ block: "nearest" });
  };
  const count = () => {
    const shown = document.querySelector("[data-chosen]");
    const chosen = document.querySelectorAll("input[name=uids]:checked").length;
    if (shown) shown.textContent = shown.dataset.words.replace("{n}", chosen);
    for (const button of document.querySelectorAll("[data-least]")) button.disabled = chosen < Number(button.dataset.least);
  };
  const base = () => document.querySelector(".brand")?.getAttribute("href").replace(/\/$/, "") ?? "";
  const places = { i: "/incidents", f: "/findings", o: "/", r: "/rules", e: "/evidence" };
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = event.key;
    if (before === "g" && places[key]) { before = ""; location.assign(base() + places[key]); return; }
    before = key;
    const current = rows()[here()];
    if (key === "j") go(1);
    else if (key === "k") go(-1);
    else if (key === "x" && current) { const box = current.querySelector("input[name=uids]"); if (box) { box.checked = !box.checked; count(); } }
    else if (key === "Enter" && current && event.target === document.body) current.querySelector(".open").click();
    else if (key === "/") { const box = document.querySelector(".filter input[type=search]") ?? document.getElementById("find"); box?.focus(); }
    else if (key === "?") document.getElementById("keys")?.showModal();
    else {
      const button = document.querySelector(`button[data-key="${CSS.escape(key)}"]`);
      if (!button || (document.querySelector("[data-chosen]") && !document.querySelector("input[name=uids]:checked"))) return;
      button.click();
    }
    event.preventDefault();
  });
  if (document.querySelector("[data-again]")) setTimeout(() => location.reload(), 2000);
  const job = document.querySelector("[data-job]");
  if (job && !job.dataset.over) {
    const names = Object.fromEntries(job.dataset.words.split(";").filter(Boolean).map((pair) => pair.split("=")));
    const source = new EventSource(job.dataset.job);
    source.onmessage = (event) => {
      const line = JSON.parse(event.data);
      for (const field of job.querySelectorAll("[data-field]")) {
        const name = field.dataset.field;
        field.textContent = name === "state" ? names[line.state] : name === "name" ? line.name.split(/[\/\\]/).slice(-2).join("/") : line[name];
      }
      const bar = job.querySelector("progress");
      bar.max = Math.max(line.total, 1);
      bar.value = line.state === "done" ? bar.max : line.size;
      if (["done", "stopped", "failed"].includes(line.state)) { source.close(); location.reload(); }
    };
  }
  const drop = document.querySelector("[data-drop]");
  if (drop) {
    const files = drop.querySelector("#u-files");
    drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer.files.length) files.files = event.dataTransfer.files;
    });
  }
  document.addEventListener("change", (event) => { if (event.target.name === "uids") count(); });
  count();
  const reach = () => {
    for (const box of document.querySelectorAll(".scroll:not([tabindex])")) {
      if (box.scrollWidth <= box.clientWidth || box.querySelector("a, button, input, summary")) continue;
      box.tabIndex = 0; // who has no mouse scrolls it with arrows
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", box.closest("section")?.querySelector("h2")?.textContent ?? document.title);
    }
  };
  addEventListener("resize", reach);
  reach();
  document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
})();
