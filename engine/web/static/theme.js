// Dark or light, before the first paint: what this browser chose last, else what its system says.
"use strict";
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("gapless-theme"); } catch { /* a browser may forbid it */ }
  const show = (theme) => { root.dataset.theme = theme; };
  show(chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => {
    if (!chosen) { show(dark.matches ? "dark" : "light"); window.dispatchEvent(new Event("themed")); }
  });
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) { return; }
    button.addEventListener("click", () => {
      chosen = root.dataset.theme === "dark" ? "light" : "dark";
      show(chosen);
      try { localStorage.setItem("gapless-theme", chosen); } catch { /* then it lasts for this page */ }
      window.dispatchEvent(new Event("themed"));
    });
  });
})();
