// Keys for what the page already offers as a button or link; dead inside text fields. And what the frame of every
// page does besides: the viewer's time zone, what is busy, focus after a part of the page was replaced.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const shown = (node) => node.offsetParent !== null;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const isTyping = (node) =>
    node.isContentEditable || ["TEXTAREA", "SELECT"].includes(node.tagName) ||
    (node.tagName === "INPUT" && !["checkbox", "radio", "range", "button", "submit"].includes(node.type));
  const unfolded = "details.menu[open], details.confirm[open]";
  let goesTo = 0;

  // Times are shown in the viewer's zone, which only the browser knows.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `timezone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;

  // Tabs and navigation that scroll sideways show where one is.
  document.addEventListener("DOMContentLoaded", () => {
    all(".nav [aria-current], .tabs [aria-current]").forEach((node) => {
      const list = node.closest(".nav, .tabs");
      list.scrollLeft = node.offsetLeft - (list.clientWidth - node.offsetWidth) / 2;
    });
  });

  function moveRow(step) {
    const rows = all("[data-row]");
    if (!rows.length) return;
    const now = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
    const link = next.querySelector("a[href]") || next.querySelector("button, input, summary");
    if (!link) next.tabIndex = -1;
    (link || next).focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function selectRow() {
    const row = document.querySelector("tr.selected[data-row]") || document.activeElement.closest("[data-row]");
    if (row) row.querySelector("input[type=checkbox]")?.click();
    else moveRow(1);
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
    (details.querySelector("input:not([type=hidden]), select, textarea") || details.querySelector("summary")).focus();
  }

  function fold() {
    const open = document.querySelector(unfolded);
    if (!open) return false;
    open.open = false;
    open.querySelector("summary").focus();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && isTyping(event.target)) { event.preventDefault(); fold() || event.target.blur(); return; }
    if (isTyping(event.target)) return;
    if (Date.now() < goesTo) {
      goesTo = 0;
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g") goesTo = Date.now() + 1500;
    else if (event.key === "Escape" && fold()) event.preventDefault();
    else if (press(event.key)) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.opens);
      dialog.querySelectorAll("[data-needs]").forEach((line) => { line.hidden = !document.querySelector(line.dataset.needs); });
      dialog.showModal();
    }
    document.querySelectorAll(unfolded).forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  // What is built is what is shown: not before the estimate follows the choices.
  document.addEventListener("input", (event) => {
    if (!event.target.closest("form[data-short]")) return;
    document.querySelectorAll("#estimate button").forEach((button) => { button.disabled = true; });
  });
  // A search that is answered while it is typed is not asked again when the field is left.
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[hx-trigger*=input] [type=search]")) event.stopPropagation();
  }, { capture: true });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  // A form is sent once: its button says that it is busy. A download leaves the page where it is, so only for a while.
  const busy = new Map();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (busy.has(form)) { event.preventDefault(); return; }
    const button = event.submitter || form.querySelector("button:not([type=button])");
    busy.set(form, button);
    button?.setAttribute("aria-busy", "true");
    setTimeout(() => rest(form), 20000);
  });
  function rest(form) {
    busy.get(form)?.removeAttribute("aria-busy");
    busy.delete(form);
  }
  addEventListener("pageshow", () => [...busy.keys()].forEach(rest));

  // What htmx fetches shows itself by a thin bar when it takes longer than 0.3 seconds.
  const underWay = new Map();
  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    underWay.set(detail.xhr, setTimeout(() => root.classList.add("loading"), 300));
  });
  const arrived = ({ detail }) => {
    clearTimeout(underWay.get(detail.xhr));
    underWay.delete(detail.xhr);
    if (!underWay.size) root.classList.remove("loading");
  };
  for (const end of ["htmx:afterRequest", "htmx:sendAbort"]) document.addEventListener(end, arrived);

  // Addresses stay short: what does not narrow a list is left out.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!detail.elt.closest("form.filters, form[data-short]")) return;
    for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
  });
  // On a narrow screen there is no room beside a list: its links open pages.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const link = event.detail.elt;
    if (!("beside" in link.dataset) || matchMedia("(min-width: 75rem)").matches) return;
    event.preventDefault();
    location.assign(link.href);
  });
  // Who stood on something that is replaced stands on its successor, or at the head of what came.
  let stood = "";
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const active = document.activeElement;
    stood = active && active !== document.body && detail.target.contains(active) ? nameOf(active) : "";
  });
  function nameOf(node) {
    const form = node.closest("form");
    if (node.id) return `#${CSS.escape(node.id)}`;
    if (node.getAttribute("href")) return `a[href="${CSS.escape(node.getAttribute("href"))}"]`;
    if (form?.getAttribute("action")) return `form[action="${CSS.escape(form.getAttribute("action"))}"] ${node.tagName}`;
    return "main";
  }
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (stood && document.activeElement === document.body) {
      const place = document.querySelector(stood) || detail.elt.querySelector?.("h1, h2, h3, a[href], button");
      if (place) {
        if (!place.matches("a, button, input, select, textarea, summary")) place.tabIndex = -1;
        place.focus({ preventScroll: true });
      }
    }
    stood = "";
    const chosen = document.querySelector("[data-shows]")?.dataset.shows;
    if (!chosen) return;
    document.querySelectorAll("tr[data-row]").forEach((row) => row.classList.toggle("selected", row.dataset.row === chosen));
    document.querySelector("tr.selected")?.scrollIntoView({ block: "nearest" });
  });
  // An answer other than 2xx is not swapped in by htmx: say so instead of doing nothing.
  document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    const plain = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
    say((plain && xhr.responseText) || `The server answered with status ${xhr.status}. Load the page again.`);
  });
  document.addEventListener("htmx:sendError", () => say("The server cannot be reached. Check that ODIA is running."));

  function say(sentence) {
    const item = document.createElement("li");
    item.className = "message error";
    item.textContent = sentence;
    document.getElementById("messages").replaceChildren(item);
  }
})();
