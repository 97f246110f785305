// What makes the pages quicker to use. Without it everything works too.
import { onPage, parse, writing } from "./swap.js";
import "./keys.js";
import "./live.js";

if (document.getElementById("compose")) writing();

/** fit makes the frame of a mail as high as the mail. @param {HTMLIFrameElement} frame */
function fit(frame) {
	const doc = frame.contentDocument;
	if (!doc?.documentElement || frame.closest(".quote")) return;
	frame.style.height = "0";
	frame.style.height = Math.min(20000, Math.max(160, doc.documentElement.scrollHeight + 2)) + "px";
}

/** keep keeps a frame as high as its mail. @param {HTMLIFrameElement} f */
function keep(f) {
	f.addEventListener("load", () => {
		fit(f);
		for (const img of f.contentDocument?.images || []) img.addEventListener("load", () => fit(f));
		f.contentDocument?.addEventListener("keydown", (e) => document.dispatchEvent(new KeyboardEvent("keydown", e)));
	});
	if (f.contentDocument?.readyState === "complete") fit(f);
}

onPage(() => document.querySelectorAll("iframe.mail").forEach((f) => keep(/** @type {HTMLIFrameElement} */ (f))));

// Another message of the conversation is fetched when it is opened: browsers load frames that are closed, and without scripts lazy ones, too.
document.addEventListener("toggle", (e) => {
	const d = /** @type {HTMLDetailsElement} */ (e.target);
	if (!d.open || !d.dataset.body || d.querySelector("iframe")) return;
	const f = document.createElement("iframe");
	f.className = "mail";
	f.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
	f.referrerPolicy = "no-referrer";
	f.title = d.dataset.title || "";
	f.src = d.dataset.body;
	d.append(f);
	keep(f);
}, true);

// The conversation of a message that is shown without, as there is much to look through, is put in when it has been found.
onPage(async () => {
	const place = /** @type {HTMLElement | null} */ (document.querySelector(".talk[data-later]"));
	if (!place) return;
	try {
		const r = await fetch(place.dataset.later || "", { headers: { "X-Live": "1" }, credentials: "same-origin" });
		if (!r.ok || r.redirected || !r.headers.has("X-Page")) return;
		const doc = parse(await r.text()), form = document.getElementById("act");
		if (!place.isConnected || !form) return;
		for (const [what, where] of [["input[name=also]", form], ['button[value^="delete:"]', form.querySelector(".more:last-of-type .menu")]]) {
			const old = form.querySelector(String(what)), found = doc.querySelector("#act " + what);
			if (old && found) old.replaceWith(found);
			else if (found) /** @type {Element | null} */ (where)?.prepend(found);
		}
		const talk = doc.querySelector(".talk"), focused = place.contains(document.activeElement);
		if (talk) place.replaceWith(talk);
		else place.remove();
		if (focused) /** @type {HTMLElement | null} */ (talk?.querySelector("summary") || document.getElementById("main"))?.focus({ preventScroll: true });
	} catch { /* the link is there */ }
});

addEventListener("resize", () => document.querySelectorAll("iframe.mail").forEach((f) => fit(/** @type {HTMLIFrameElement} */ (f))));

// A message that is opened has been read.
onPage(() => {
	const message = document.querySelector("article[data-new]");
	const form = /** @type {HTMLFormElement | null} */ (document.getElementById("act"));
	if (!message || !form) return;
	message.removeAttribute("data-new");
	const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
	body.set("do", "read");
	fetch(form.action, { method: "POST", body, headers: { "X-Quiet": "1" }, keepalive: true }).then((r) => {
		if (!r.ok) return;
		const row = document.querySelector(`.row[data-uid="${message.getAttribute("data-uid")}"]`);
		if (row && !row.hasAttribute("data-others")) {
			row.classList.remove("new");
			row.querySelector(".subject > .sr")?.remove();
		}
		const button = form.querySelector("button[value=read]");
		if (button) button.remove();
	}, () => {});
});

// What has been done is told for a while; the pointer or the focus on it keeps it.
let told = 0;
onPage(() => {
	clearTimeout(told);
	const live = document.getElementById("live");
	if (!live?.firstElementChild) return;
	const hide = () => {
		if (live.matches(":hover, :focus-within")) told = setTimeout(hide, 3000);
		else live.replaceChildren();
	};
	told = setTimeout(hide, 12000);
});

// Menus close when something else is clicked, or by Escape.
document.addEventListener("click", (e) => {
	for (const d of document.querySelectorAll("details.more[open]")) if (!d.contains(/** @type {Node} */ (e.target))) d.removeAttribute("open");
});
document.addEventListener("keydown", (e) => {
	if (e.key !== "Escape") return;
	for (const d of document.querySelectorAll("details.more[open]")) {
		d.removeAttribute("open");
		/** @type {HTMLElement | null} */ (d.querySelector("summary"))?.focus();
	}
});
