// What a page marks with `data-live` (and an id) is fetched anew every half minute and put in its place. Forms stay out
// of it: nothing that is typed is lost. A link that had the focus has it again afterwards.

const EVERY_MS = 30_000;
const REACHABLE = "a[href], button, [tabindex]";

function replace(part, fresh) {
  if (part.innerHTML === fresh.innerHTML) return;
  const place = [...part.querySelectorAll(REACHABLE)].indexOf(document.activeElement);
  const href = document.activeElement?.getAttribute("href");
  part.replaceChildren(...fresh.childNodes);
  if (place < 0) return;
  const now = [...part.querySelectorAll(REACHABLE)];
  (now.find((link) => href && link.getAttribute("href") === href) ?? now[Math.min(place, now.length - 1)])?.focus({ preventScroll: true });
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (fresh) replace(part, fresh);
    }
  } catch {
    // The server is away for a moment: what is shown says as of when it is.
  }
}
setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
