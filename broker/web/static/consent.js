// The buttons wait until the page has been in view for a moment: a window swapped in under a double click
// (double-clickjacking) must not be able to answer. Without script the form works at once.
"use strict";
(() => {
  const buttons = document.querySelectorAll(".choices button");
  const wait = 700;
  let timer;
  const arm = () => {
    clearTimeout(timer);
    buttons.forEach((button) => { button.disabled = true; });
    if (document.visibilityState === "visible") {
      timer = setTimeout(() => buttons.forEach((button) => { button.disabled = false; }), wait);
    }
  };
  document.addEventListener("visibilitychange", arm);
  window.addEventListener("pageshow", arm);
  arm();
  document.getElementById("nothing-ticked")?.focus();
})();
