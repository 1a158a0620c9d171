// Draws <div class="chart" data-figure="id of a JSON block"> with Plotly, in the colours of the style sheet.
(() => {
  "use strict";
  // Plotly, which is loaded after this file, writes style elements: the content security policy wants the nonce on them.
  const { nonce } = document.currentScript;
  const create = document.createElement.bind(document);
  document.createElement = (name, options) => {
    const node = create(name, options);
    if (name === "style") node.nonce = nonce;
    return node;
  };

  const config = { displayModeBar: false, responsive: true };

  // Colours stand in the figures as names of design tokens: "--accent".
  const probe = document.createElement("span");
  function colour(token) {
    document.body.append(probe);
    probe.style.color = `var(${token})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }
  function painted(value) {
    if (typeof value === "string") return value.startsWith("--") ? colour(value) : value;
    if (Array.isArray(value)) return value.map(painted);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, painted(item)]));
    return value;
  }

  function axis(own = {}) {
    return { gridcolor: "--line", zerolinecolor: "--line", linecolor: "--line", automargin: true, ...own };
  }
  function layout(own = {}) {
    const style = getComputedStyle(document.body);
    return painted({
      margin: { t: 8, r: 12, b: 36, l: 48 }, hovermode: "closest", showlegend: true,
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      hoverlabel: { bgcolor: "--surface", bordercolor: "--line-strong", font: { color: "--text" }, align: "left" },
      ...own,
      font: { family: style.fontFamily, size: 12, color: "--muted" },
      xaxis: axis(own.xaxis), yaxis: axis(own.yaxis),
      ...(own.yaxis2 ? { yaxis2: axis(own.yaxis2) } : {}),
    });
  }

  function draw(node) {
    const figure = JSON.parse(document.getElementById(node.dataset.figure).textContent);
    Plotly.react(node, painted(figure.data), layout(figure.layout), config);
    node.dispatchEvent(new Event("odia:drawn", { bubbles: true }));
    if (node.dataset.drawn) return;
    node.dataset.drawn = "yes";
    node.on("plotly_click", ({ points }) => {
      const address = points[0].customdata?.href;
      if (address) window.location.assign(address);
    });
  }
  const drawAll = (within) => within.querySelectorAll("[data-figure]").forEach(draw);

  document.addEventListener("DOMContentLoaded", () => drawAll(document));
  document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(document));
})();
