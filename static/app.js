// Keyholder: comfort only. Every page does the same without this file.
"use strict";

// After an error the summary is read first.
document.getElementById("errors")?.focus();

// The session's idle end is said two minutes before. Opening any page puts it off,
// so the link opens one in a tab of its own and what is typed here stays.
const idle = document.getElementById("idle");
if (idle) {
  const show = () => { idle.hidden = false; };
  const wait = () => setTimeout(show, Math.max(0, Number(idle.dataset.seconds) - 120) * 1000);
  let timer = wait();
  idle.querySelector("a").addEventListener("click", () => {
    idle.hidden = true;
    clearTimeout(timer);
    timer = wait();
  });
}

// Whoever answers one item of a review keeps what they have typed at the others: each is a form of its own. What was
// sent is forgotten when the next page says that it was taken. Nobody who comes after in this tab gets it.
const keep = `typed ${document.body.dataset.reader ?? ""}`;
const boxes = [...document.querySelectorAll("form.answer textarea, form.answer input[type=date]")];
const typed = () => JSON.parse(sessionStorage.getItem(keep) ?? "{}");
if (document.body.dataset.reader) {
  for (const key of Object.keys(sessionStorage)) if (key !== keep) sessionStorage.removeItem(key);
}
if (boxes.length) {
  const before = typed();
  const done = new URLSearchParams(location.search).get("done");
  for (const name of ["note", "until"]) delete before[`${name}-${done}`];
  sessionStorage.setItem(keep, JSON.stringify(before));
  for (const box of boxes) {
    if (box.id in before && box.value === box.defaultValue) box.value = before[box.id];
  }
  addEventListener("pagehide", () => {
    const now = typed();
    for (const box of boxes) {
      if (box.value !== box.defaultValue || box.form.querySelector(".bad")) now[box.id] = box.value;
      else delete now[box.id];
    }
    sessionStorage.setItem(keep, JSON.stringify(now));
  });
}
document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action")?.includes("/signout")) {
    addEventListener("pagehide", () => sessionStorage.clear());
  }
});

// Single letters move the focus; what decides is pressed with Enter. The page that knows them lists them ("?"), and a
// person who has switched them off does not get that list.
const keys = document.getElementById("keys");
if (keys) {
  const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
  const at = () => rows.findIndex((row) => row.contains(document.activeElement));
  const link = (row) => row?.querySelector("th a");
  const go = (step) => link(rows[Math.min(Math.max(at() + step, 0), rows.length - 1)])?.focus();
  const acts = {
    j: () => go(1),
    k: () => go(-1),
    o: () => link(rows[Math.max(at(), 0)])?.click(),
    x: () => rows[at()]?.querySelector(".pick input")?.click(),
    "?": () => keys.togglePopover(),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("textarea, select, input:not([type=checkbox], [type=radio])");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const to = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    const act = acts[event.key] ?? (to && (() => to.focus()));
    if (!act) return;
    event.preventDefault();
    act();
  });
}
