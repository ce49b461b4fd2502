// Lists that follow what others do: the server says that something changed, the page fetches itself and puts the
// regions marked [data-live] in place. What is typed, ticked, open or focused stays. Only the tab that is looked at
// listens: a browser keeps six connections to a server, and a hidden tab is no reason to stay signed in.

const REST_MS = 2000, AGAIN_MS = 3000, WITHOUT_MS = 60000;
const changed = () => document.getElementById("changed");
const served = new WeakMap();
// A page whose figures move by themselves says so: <h1 data-every="30"> is fetched anew every 30 s, and hears no news.
const every = Number(document.querySelector("[data-every]")?.dataset.every ?? 0);
let listening = null, waiting = 0, lastId = "";

const busy = (region) =>
  region.querySelector("details[open]") ||
  (region.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea, select"));

function put(region, fresh) {
  if (!fresh || busy(region) || served.get(region) === fresh.innerHTML) return;
  served.set(region, fresh.innerHTML);
  const ticked = new Set([...region.querySelectorAll("input[type=checkbox][name]:checked")].map((box) => box.value.split(".")[0]));
  const at = region.contains(document.activeElement) ? document.activeElement : null;
  const same = at && (at.getAttribute("href") ? `a[href="${CSS.escape(at.getAttribute("href"))}"]` : at.value ? `[name="${CSS.escape(at.name)}"][value="${CSS.escape(at.value)}"]` : "");
  region.replaceChildren(...fresh.childNodes);
  for (const box of region.querySelectorAll("input[type=checkbox][name]")) box.checked = ticked.has(box.value.split(".")[0]);
  if (same) region.querySelector(same)?.focus();
}

async function refresh() {
  waiting = 0;
  if (document.hidden) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const region of document.querySelectorAll("[data-live]")) put(region, page.getElementById(region.id));
  const mine = changed(), now = page.getElementById("changed");
  if (mine && now && mine.dataset.version !== now.dataset.version) mine.hidden = false;
}

const soon = () => { waiting ||= setTimeout(refresh, REST_MS); };

function hear(message) {
  const id = /^id: (.*)$/m.exec(message), type = /^event: (\w+)\./m.exec(message), data = /^data: (.*)$/m.exec(message);
  if (/^event: ready$/m.test(message)) {
    document.documentElement.dataset.following = "";
    if (!lastId) soon(); // what changed between the page and its stream
  }
  if (id) lastId = id[1];
  if (!type || !data) return;
  const banner = changed();
  if (!banner) { soon(); return; }
  const { ticket, actor } = JSON.parse(data[1]);
  if (String(ticket?.id) === banner.dataset.ticket && actor !== banner.dataset.me) banner.hidden = false;
}

async function follow(signal) {
  const answer = await fetch("/live", { signal, headers: lastId ? { "Last-Event-ID": lastId } : {} });
  if (!answer.ok || answer.redirected) throw new Error("no stream");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let kept = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const messages = (kept + value).split("\n\n");
    kept = messages.pop();
    messages.forEach(hear);
  }
}

async function listen() {
  const mine = (listening = new AbortController());
  while (!mine.signal.aborted) {
    const lived = await follow(mine.signal).then(() => true, () => false);
    if (mine.signal.aborted) return;
    await new Promise((go) => setTimeout(go, lived ? AGAIN_MS : WITHOUT_MS));
    if (!lived && !mine.signal.aborted) refresh();
  }
}

function look() {
  listening?.abort();
  if (!document.hidden && !every) listen();
}
document.addEventListener("visibilitychange", () => { look(); if (!document.hidden) refresh(); });
addEventListener("pagehide", () => listening?.abort());
addEventListener("pageshow", (event) => { if (event.persisted) { look(); refresh(); } });
look();
if (every) setInterval(refresh, every * 1000);
