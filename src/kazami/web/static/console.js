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
    if (shown) shown.textContent = shown.dataset.words.replace("{n}", document.querySelectorAll("input[name=uids]:checked").length);
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
  document.addEventListener("change", (event) => { if (event.target.name === "uids") count(); });
  count();
})();
