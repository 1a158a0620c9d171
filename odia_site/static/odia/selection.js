// Rows of a list that are selected: all shown at once, how many they are, and the bar that acts on them.
(() => {
  "use strict";
  const boxes = () => [...document.querySelectorAll("input[form=bulk][name=query]")];

  function show() {
    const bar = document.getElementById("bulk");
    if (!bar) return;
    const selected = boxes().filter((box) => box.checked).length;
    const all = document.querySelector("[data-selects=query]");
    all.checked = selected > 0 && selected === boxes().length;
    all.indeterminate = selected > 0 && !all.checked;
    document.getElementById("selected-words").textContent = selected ? `${selected} selected` : "the selected ones";
    bar.classList.toggle("at-work", selected > 0 || bar.elements.scope.value === "all");
  }

  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-selects=query]")) boxes().forEach((box) => { box.checked = target.checked; });
    if (target.form?.id === "bulk" && target.name === "query") target.form.elements.scope.value = "checked";
    show();
  });
  // The row of the query that is looked at shows what has been decided about it.
  function refreshRow() {
    const now = document.getElementById("row-now")?.content.querySelector("tr").cloneNode(true);
    const row = now && document.querySelector(`#queries [data-row="${now.dataset.row}"]`);
    if (!row) return;
    const focused = row.contains(document.activeElement) ? document.activeElement.tagName : "";
    now.className = row.className;
    const box = now.querySelector("input[type=checkbox]");
    if (box) box.checked = row.querySelector("input[type=checkbox]").checked;
    row.replaceWith(now);
    htmx.process(now);
    if (focused) now.querySelector(focused)?.focus({ preventScroll: true });
  }

  document.addEventListener("htmx:afterSettle", () => { refreshRow(); show(); });
  // Each step of typing is no page of its own to come back to.
  document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
    if (detail.requestConfig.triggeringEvent?.type === "input") detail.history.type = "replace";
  });
  addEventListener("pageshow", show);
})();
