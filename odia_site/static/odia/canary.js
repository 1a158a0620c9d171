// A slider beside its number field, with how many of the recent users and requests the share would take.
(() => {
  "use strict";
  document.addEventListener("DOMContentLoaded", () => {
    const slider = document.querySelector("[data-slides]");
    if (!slider) return;
    const field = document.getElementById(slider.dataset.slides);
    const block = document.getElementById(slider.dataset.reach);
    const reach = block && JSON.parse(block.textContent);
    const shown = [document.getElementById("reach-users"), document.getElementById("reach-requests")];

    function tell() {
      if (!reach) return;
      const percent = Math.min(Math.max(Math.floor(Number(field.value)), 0), 100);
      // Thousands as the server writes them: with a thin space.
      reach[percent].forEach((count, i) => { shown[i].textContent = String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f"); });
    }
    slider.addEventListener("input", () => { field.value = slider.value; tell(); });
    field.addEventListener("input", () => { slider.value = field.value; tell(); });
    tell();
  });
})();
