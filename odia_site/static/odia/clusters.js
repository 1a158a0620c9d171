// The map and the list of clusters: what is picked on one is shown on the other. And selections in lists.
(() => {
  "use strict";
  const MOST_PICKED = 500;
  const map = () => document.getElementById("map");
  const form = () => document.getElementById("cluster-filter");
  const picked = () => new Set((new URLSearchParams(location.search).get("pick") || "").split(",").filter(Boolean).map(Number));

  // Points are bright where `isChosen(pattern, cluster)`; without it all are.
  function light(isChosen) {
    const chart = map();
    if (!chart?.data) return;
    const chosen = chart.data.map(({ customdata }) =>
      isChosen ? customdata.flatMap(([pattern, cluster], at) => (isChosen(pattern, cluster) ? [at] : [])) : null);
    Plotly.restyle(chart, { selectedpoints: chosen });
  }
  function lightPicked() {
    const keys = picked();
    light(keys.size ? (pattern) => keys.has(pattern) : null);
  }

  function pick(points) {
    const heavy = points.toSorted((a, b) => b["marker.size"] - a["marker.size"]).slice(0, MOST_PICKED);
    const keys = heavy.map(({ customdata }) => customdata[0]).join(",");
    if (form()) {
      form().elements.pick.value = keys;
      form().requestSubmit();
    } else {
      const address = document.querySelector("[data-clusters]").dataset.clusters;
      location.assign(keys ? `${address}?pick=${keys}` : address);
    }
  }

  document.addEventListener("odia:drawn", ({ target }) => {
    if (target.id !== "map") return;
    lightPicked();
    if (target.dataset.tied) return;
    target.dataset.tied = "yes";
    target.on("plotly_click", ({ points }) => pick(points));
    target.on("plotly_selected", (event) => { if (event?.points.length) pick(event.points); });
    target.on("plotly_deselect", () => pick([]));
    target.on("plotly_doubleclick", () => { if (picked().size) pick([]); });
  });

  let over = null;
  function follow(event) {
    const row = event.target.closest?.("[data-cluster]") || document.activeElement.closest("[data-cluster]");
    if (row === over) return;
    over = row;
    if (row) light((_, cluster) => cluster === Number(row.dataset.cluster));
    else lightPicked();
  }
  document.addEventListener("mouseover", follow);
  document.addEventListener("focusin", follow);

  function count() {
    const boxes = document.querySelectorAll("#selection input[name=cluster]:checked");
    const output = document.querySelector("[data-selected]");
    if (output) output.textContent = boxes.length ? ` (${boxes.length})` : "";
  }
  document.addEventListener("change", ({ target }) => {
    if (target.dataset.selects)
      target.form.querySelectorAll(`[name="${target.dataset.selects}"]`).forEach((box) => { box.checked = target.checked; });
    count();
  });

  // A key decides on the row in focus where nothing is selected.
  document.addEventListener("submit", ({ target }) => {
    if (target.id !== "selection" || target.querySelector("input[name=cluster]:checked")) return;
    const box = document.activeElement.closest("[data-cluster]")?.querySelector("input[name=cluster]");
    if (box) box.checked = true;
  }, true);

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-drag]");
    if (!button) return;
    Plotly.relayout(map(), { dragmode: button.dataset.drag });
    document.querySelectorAll("[data-drag]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  });

  // The filter form stands outside of what is replaced: it follows the address.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target?.id !== "results") return;
    const given = new URLSearchParams(location.search);
    for (const name of ["status", "pick"]) form().elements[name].value = given.get(name) || "";
    over = null;
    lightPicked();
  });

  document.addEventListener("DOMContentLoaded", () => {
    const fold = document.getElementById("map-fold");
    if (fold && matchMedia("(min-width: 75rem)").matches) fold.open = true;
    count();
  });
})();
