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
