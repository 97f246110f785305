// New mail appears by itself. One tab holds the stream of events, as browsers keep few connections open, and tells the others.
import { onPage, parse } from "./swap.js";

const channel = new BroadcastChannel("wm-live");
let timer = 0;

// When the pointer went down, 0 when it is up: what is under it must not be replaced in between, or the click is lost.
let pressed = 0;
const held = () => Date.now() - pressed < 2000;
addEventListener("pointerdown", () => { pressed = Date.now(); }, true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pressed = 0; }, true);

/** refresh fetches the list and the folders anew, and leaves alone what the user is at: what is ticked, a menu, the message. */
async function refresh() {
	if (!document.getElementById("folders") || document.querySelector("#list details[open]") || document.hidden) return;
	if (held()) return news();
	const url = location.href;
	try {
		const r = await fetch(url.includes("/mail/") ? url : "/mail/INBOX", { headers: { "X-Live": "1" }, credentials: "same-origin" });
		if (!r.ok || r.redirected || !r.headers.has("X-Page")) return;
		const doc = parse(await r.text());
		if (url !== location.href) return;
		if (held()) return news();
		for (const id of url.includes("/mail/") ? ["list", "folders", "failed"] : ["folders", "failed"]) {
			const old = document.getElementById(id), fresh = doc.getElementById(id);
			if (!old || !fresh) continue;
			if (id === "folders" && !url.includes("/mail/")) {
				fresh.querySelectorAll("[aria-current]").forEach((e) => e.removeAttribute("aria-current"));
			}
			const focused = old.contains(document.activeElement) && document.activeElement?.closest("[data-uid]")?.getAttribute("data-uid");
			for (const box of old.querySelectorAll("input[name=uid]:checked")) {
				const same = /** @type {HTMLInputElement | null} */ (fresh.querySelector(`input[name=uid][value="${/** @type {HTMLInputElement} */ (box).value}"]`));
				if (same) same.checked = true;
			}
			const top = old.scrollTop;
			old.replaceWith(document.adoptNode(fresh));
			fresh.scrollTop = top;
			if (focused) /** @type {HTMLElement | null} */ (fresh.querySelector(`[data-uid="${focused}"] a`))?.focus({ preventScroll: true });
		}
		title();
	} catch { /* the next event tries again */ }
}

/** title shows in the tab how many messages of the inbox are unread. */
function title() {
	const n = document.querySelector('[data-go="i"] .count')?.textContent;
	document.title = (n ? `(${n}) ` : "") + document.title.replace(/^\(\d+\) /, "");
}

function news() {
	clearTimeout(timer);
	timer = setTimeout(refresh, 150);
}

channel.addEventListener("message", news);
document.addEventListener("visibilitychange", () => { if (!document.hidden) news(); });
onPage(title);

/** listen holds the stream until the page is closed or the session is over. */
function listen() {
	return new Promise((over) => {
		const stream = new EventSource("/events");
		stream.addEventListener("mail", (e) => { news(); channel.postMessage(e.data); });
		stream.addEventListener("over", () => { stream.close(); over(undefined); });
		stream.addEventListener("error", () => { if (stream.readyState === EventSource.CLOSED) over(undefined); });
	});
}

if (navigator.locks) navigator.locks.request("wm-live", listen);
else listen();
