// What every page does in the browser: clocks that turn, keys, and news from the server.

const lang = document.documentElement.lang;
const zh = lang.startsWith("zh");

// --- Countdowns: <time class="left" data-due="2026-11-21T08:00:00Z">. The server's clock counts, not the reader's.
const skew = (() => {
  const served = document.body.dataset.now;
  return served ? Date.parse(served) - Date.now() : 0;
})();

export function left(ms) {
  const late = ms < 0;
  let s = Math.floor(Math.abs(ms) / 1000);
  const d = Math.floor(s / 86400); s -= d * 86400;
  const h = Math.floor(s / 3600); s -= h * 3600;
  const m = Math.floor(s / 60); s -= m * 60;
  const two = (n) => String(n).padStart(2, "0");
  const shown = d ? (zh ? `${d} 天 ${h} 小时` : `${d} d ${h} h`) : `${h}:${two(m)}:${two(s)}`;
  return (late ? (zh ? "超时 " : "late ") : "") + shown;
}

function turn() {
  const now = Date.now() + skew;
  for (const clock of document.querySelectorAll("time.left[data-due]")) {
    const ms = Date.parse(clock.dataset.due) - now;
    clock.textContent = left(ms);
    clock.toggleAttribute("data-late", ms < 0);
    clock.toggleAttribute("data-soon", ms >= 0 && ms < 4 * 3600e3);
  }
}
turn();
setInterval(turn, 1000);

// --- Keys: a list is <table data-list>; its rows have a link of class "open" and maybe a checkbox.
const rows = () => [...document.querySelectorAll("[data-list] [data-row]")];
const current = () => rows().findIndex((row) => row.contains(document.activeElement));

function go(step) {
  const all = rows();
  if (!all.length) return;
  const at = current();
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
  (next.querySelector("a.open") ?? next).focus();
}

// A key for ticked rows means the row one stands on where none is ticked.
function tick(form) {
  if (!form || form.querySelector("[data-row] input:checked")) return;
  const box = rows()[current()]?.querySelector("input[type=checkbox]");
  if (box) box.checked = true;
}

let before = "";
const ROOMS = { t: "/", k: "/tickets", c: "/customers", v: "/visits", n: "/network", o: "/outages", r: "/reports" };
const KEYS = {
  "/": () => document.getElementById("find")?.focus(),
  j: () => go(1),
  k: () => go(-1),
  x: () => rows()[current()]?.querySelector("input[type=checkbox]")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]");
  if (event.key === "Escape") document.querySelectorAll("details.who[open]").forEach((d) => d.removeAttribute("open"));
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (before === "g" && ROOMS[event.key]) { before = ""; location.href = ROOMS[event.key]; return; }
  before = event.key;
  const own = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  const deed = KEYS[event.key] ?? (own && (() => { tick(own.closest("form[data-bulk]")); own.click(); }));
  if (deed) { event.preventDefault(); deed(); }
});

// --- Small things a page asks for by attribute.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  const copier = event.target.closest("[data-copies]");
  if (copier) navigator.clipboard?.writeText(document.getElementById(copier.dataset.copies)?.value ?? "");
  if (event.target.closest("[data-prints]")) print();
  for (const menu of document.querySelectorAll("details.who[open]")) if (!menu.contains(event.target)) menu.removeAttribute("open");
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-checks-all]")) {
    const form = event.target.closest("form") ?? document;
    for (const box of form.querySelectorAll("input[type=checkbox][name]")) box.checked = event.target.checked;
  }
  if (event.target.closest("form[data-auto]")) event.target.form.requestSubmit();
});
// A form is sent once: the second click of an impatient hand does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog" || form.method === "get") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 5000);
});
