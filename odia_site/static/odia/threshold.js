// The movable threshold of an evaluation: shows the reading of the chosen point, and moves its mark in the chart.
(() => {
  "use strict";
  document.addEventListener("DOMContentLoaded", () => {
    const slider = document.getElementById("place");
    const block = document.getElementById("readings");
    if (!slider || !block) return;
    const readings = JSON.parse(block.textContent);
    const chart = document.getElementById("risk");
    const outputs = document.querySelectorAll("[data-reading]");
    const certified = document.getElementById("certified");

    function mark(place) {
      if (!chart.data) return;
      const curve = chart.data[1];
      const point = { x: [[curve.x[place]]], y: [[curve.y[place]]], customdata: [[curve.customdata[place]]] };
      Plotly.restyle(chart, point, [chart.data.length - 1]);
    }
    function show() {
      const reading = readings[slider.value];
      outputs.forEach((output) => { output.textContent = reading[output.dataset.reading]; });
      slider.setAttribute("aria-valuetext", `threshold ${reading.threshold}, coverage ${reading.coverage}`);
      if (certified) certified.hidden = slider.value !== certified.dataset.place;
      mark(Number(slider.value));
    }
    slider.addEventListener("input", show);
  });
})();
