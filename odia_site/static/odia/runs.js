// The log of a run under way keeps its place while new lines come: at its end, or where a person scrolled to.
(() => {
  "use strict";
  let fromTop = null;
  const log = () => document.getElementById("log");

  document.addEventListener("htmx:beforeSwap", () => {
    const node = log();
    // The newest line is at scrollTop 0; lines above it have negative places.
    fromTop = node && node.scrollTop < 0 ? node.scrollHeight - node.clientHeight + node.scrollTop : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    const node = log();
    if (node && fromTop !== null) node.scrollTop = fromTop - (node.scrollHeight - node.clientHeight);
  });
})();
