"use strict";
(() => {
  const chapters = [...document.querySelectorAll("details.chapter")];
  const setAll = (open) => chapters.forEach((c) => { if (!c.hidden) c.open = open; });

  const tools = document.getElementById("tools");
  if (tools) {
    tools.hidden = false;
    tools.addEventListener("submit", (e) => e.preventDefault());
    const boxes = [...tools.querySelectorAll("input[type=checkbox]")];
    const text = document.getElementById("filter");
    const matches = document.getElementById("matches");
    const words = new Map();
    const wordsOf = (node) => {
      if (!words.has(node)) words.set(node, node.textContent.toLowerCase());
      return words.get(node);
    };
    const apply = () => {
      const wanted = new Set(boxes.filter((b) => b.checked).map((b) => b.value));
      const query = text.value.trim().toLowerCase();
      let count = 0;
      for (const chapter of chapters) {
        let inside = 0;
        const titled = !query || wordsOf(chapter.querySelector("summary")).includes(query);
        for (const list of chapter.querySelectorAll(".list")) {
          const heading = list.previousElementSibling;
          const here = titled || wordsOf(heading).includes(query);
          let shown = 0;
          for (const item of list.children) {
            item.hidden = !(here || wordsOf(item).includes(query));
            shown += item.hidden ? 0 : 1;
          }
          list.hidden = heading.hidden = shown === 0;
          inside += shown;
        }
        chapter.hidden = !wanted.has(chapter.dataset.level) || (!inside && !titled);
        if (query && !titled && inside) chapter.open = true;
        count += chapter.hidden ? 0 : inside;
      }
      const all = !query && boxes.every((b) => b.checked);
      matches.textContent = all ? "" : matches.dataset.text.replace("{n}", count.toLocaleString("en"));
    };
    let timer = 0;
    text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 150); });
    boxes.forEach((b) => b.addEventListener("change", apply));
    document.getElementById("open").addEventListener("click", () => setAll(true));
    document.getElementById("close").addEventListener("click", () => setAll(false));
  }

  const reveal = () => {
    const target = /^#rule-\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (target) { target.parentElement.open = true; target.parentElement.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  reveal();

  const value = (row, column) => {
    const cell = row.children[column];
    return cell.dataset.v === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.v);
  };
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  for (const table of document.querySelectorAll("table[data-sort]")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const label = document.createElement("span"); // a button is not printed on the second page
      label.setAttribute("role", "button");
      label.tabIndex = 0;
      label.append(...head.childNodes);
      head.append(label);
      const sort = () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => (down ? -1 : 1) * order(value(a, column), value(b, column)));
        table.tBodies[0].append(...rows);
      };
      label.addEventListener("click", sort);
      label.addEventListener("keydown", (e) => {
        if (e.key === "Enter" || e.key === " ") { e.preventDefault(); sort(); }
      });
    });
  }
})();
