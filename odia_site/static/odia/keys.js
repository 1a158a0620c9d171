// Keys for what the page already offers as a button or link; dead inside text fields.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector) => [...document.querySelectorAll(selector)].filter((node) => node.offsetParent !== null);
  const isTyping = (node) =>
    node.isContentEditable || ["TEXTAREA", "SELECT"].includes(node.tagName) ||
    (node.tagName === "INPUT" && !["checkbox", "radio", "button", "submit"].includes(node.type));
  let goesTo = 0;

  function moveRow(step) {
    const rows = all("[data-row]");
    if (!rows.length) return;
    const now = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
    (next.querySelector("a[href]") || next).focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function selectRow() {
    const row = document.activeElement.closest("[data-row]");
    row?.querySelector("input[type=checkbox]")?.click();
  }

  function press(key) {
    const targets = all(`[data-key="${CSS.escape(key)}"]`);
    const target = targets[0];
    // A key that several buttons share goes from one to the next; Enter presses the one that has the focus.
    if (targets.length > 1) targets[(targets.indexOf(document.activeElement) + 1) % targets.length].focus();
    else if (target && ["INPUT", "TEXTAREA"].includes(target.tagName)) target.focus();
    else if (target?.tagName === "DETAILS") openDetails(target);
    else if (target) target.click();
    else if (key === "j" || key === "k") moveRow(key === "j" ? 1 : -1);
    else if (key === "x") selectRow();
    else return false;
    return true;
  }

  function openDetails(details) {
    details.open = true;
    details.querySelector("input:not([type=hidden]), select, textarea, summary").focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (Date.now() < goesTo) {
      goesTo = 0;
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g") goesTo = Date.now() + 1500;
    else if (press(event.key)) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
    document.querySelectorAll("details.menu[open], details.confirm[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });
  // Addresses stay short: what does not narrow a list is left out.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!detail.elt.matches("form.filters")) return;
    for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
  });
  // On a narrow screen there is no room beside a list: its links open pages.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const link = event.detail.elt;
    if (!("beside" in link.dataset) || matchMedia("(min-width: 75rem)").matches) return;
    event.preventDefault();
    location.assign(link.href);
  });
  document.addEventListener("htmx:afterSettle", () => {
    const shown = document.querySelector("[data-shows]")?.dataset.shows;
    if (!shown) return;
    document.querySelectorAll("tr[data-row]").forEach((row) => row.classList.toggle("selected", row.dataset.row === shown));
    document.querySelector("tr.selected")?.scrollIntoView({ block: "nearest" });
  });
  // An answer other than 2xx is not swapped in by htmx: say so instead of doing nothing.
  document.addEventListener("htmx:responseError", (event) => say(event.detail.xhr.status === 403
    ? "You may not do this. Ask an administrator for the permission."
    : `The server answered with status ${event.detail.xhr.status}. Load the page again.`));
  document.addEventListener("htmx:sendError", () => say("The server cannot be reached. Check that ODIA is running."));

  function say(sentence) {
    const item = document.createElement("li");
    item.className = "message error";
    item.textContent = sentence;
    document.getElementById("messages").replaceChildren(item);
  }
})();
