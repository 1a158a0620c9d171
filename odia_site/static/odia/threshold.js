// The movable threshold of an evaluation: shows the reading of the chosen point, and moves its marks in the charts.
(() => {
  "use strict";
  document.addEventListener("DOMContentLoaded", () => {
    const slider = document.getElementById("place");
    const block = document.getElementById("readings");
    if (!slider || !block) return;
    const readings = JSON.parse(block.textContent);
    const risk = document.getElementById("risk");
    const latency = document.getElementById("histogram");
    const typed = document.getElementById("threshold");
    const back = document.getElementById("in-force");
    const outputs = document.querySelectorAll("[data-reading]");

    function markRisk(place) {
      if (!risk.data) return;
      const curve = risk.data[1];
      const point = { x: [[curve.x[place]]], y: [[curve.y[place]]], customdata: [[curve.customdata[place]]] };
      Plotly.restyle(risk, point, [risk.data.length - 1]);
    }
    function markLatency({ covered, marks }) {
      if (!latency?.data || !marks) return;
      const shares = latency.data[1].customdata.map(([inline, behind]) => covered * inline + (1 - covered) * behind);
      const moved = marks.flatMap((x, i) => [[`shapes[${i}].x0`, x], [`shapes[${i}].x1`, x], [`annotations[${i}].x`, x]]);
      Plotly.update(latency, { y: [shares] }, Object.fromEntries(moved), [1]);
    }
    function show() {
      const reading = readings[slider.value];
      outputs.forEach((output) => { output.textContent = reading[output.dataset.reading]; });
      slider.setAttribute("aria-valuetext", `threshold ${reading.threshold}, coverage ${reading.coverage}`);
      if (document.activeElement !== typed) typed.value = reading.threshold;
      if (back) back.disabled = slider.value === back.value;
      markRisk(Number(slider.value));
      markLatency(reading);
    }
    function move(place) {
      slider.value = place;
      show();
      keep();
    }
    function keep() {
      const address = new URL(location.href);
      address.searchParams.set("place", slider.value);
      history.replaceState(history.state, "", address);
    }
    const distance = (place, wanted) => Math.abs(readings[place].threshold - wanted);

    slider.addEventListener("input", show);
    slider.addEventListener("change", keep);
    typed.addEventListener("input", () => {
      const wanted = Number(typed.value);
      if (typed.value !== "") move(readings.reduce((best, _, at) => (distance(at, wanted) < distance(best, wanted) ? at : best), 0));
    });
    typed.addEventListener("blur", show);
    back?.addEventListener("click", (event) => { event.preventDefault(); move(back.value); });
    // A change between light and dark draws the charts anew.
    document.addEventListener("odia:drawn", show);
    show();
  });
})();
