// Pages are fetched and put in place of what is there, instead of being loaded anew. Whatever fails is done by the browser as if there were no
// scripts. This file alone makes HTML out of strings, and only of what this site has sent.

const policy = globalThis.trustedTypes
	? trustedTypes.createPolicy("wm", { createHTML: (text) => text })
	: { createHTML: (text) => text };

/** Functions that are called when a page is there. @type {Array<() => void>} */
const ready = [];

/** @param {() => void} f */
export function onPage(f) {
	ready.push(f);
	f();
}

/** parse makes a document of a page's text. @param {string} text */
export function parse(text) {
	return new DOMParser().parseFromString(/** @type {any} */ (policy.createHTML(text)), "text/html");
}

/** isPage reports whether the answer is a page of ours, and not a mail's own document. @param {Response} r */
function isPage(r) {
	return new URL(r.url).origin === location.origin && r.headers.has("X-Page");
}

/** handle names an element so that it can be found again on the next page. @param {Element | null} e */
function handle(e) {
	if (!e || e === document.body) return "";
	if (e.id) return "#" + CSS.escape(e.id);
	const row = e.closest("[data-uid]");
	const name = e.getAttribute("name");
	if (row) return `[data-uid="${row.getAttribute("data-uid")}"] ${e.classList.contains("star") ? ".star" : name ? `[name="${name}"]` : "a"}`;
	return "";
}

/**
 * show puts a page's text in place of the page that is there.
 * @param {string} text
 * @param {string} url
 * @param {{history?: "push" | "none", focus?: string}} [opts]
 */
export function show(text, url, opts = {}) {
	const doc = parse(text);
	if (doc.querySelector("link[rel=stylesheet]")?.getAttribute("href") !== document.querySelector("link[rel=stylesheet]")?.getAttribute("href") || doc.body.dataset.rich !== document.body.dataset.rich) {
		location.href = url; // another version of the site, or a page that may do other things
		return;
	}
	const found = opts.focus || handle(document.activeElement);
	const before = new Map([...document.querySelectorAll(".lists, .folders")].map((e) => [e.className, { top: e.scrollTop, act: e.querySelector("#list")?.getAttribute("action") }]));
	const sameList = (document.querySelector("#list .rows a")?.getAttribute("href") || "").split("/")[2];
	if (opts.history !== "none" && url !== location.href) history.pushState(null, "", url);
	document.documentElement.lang = doc.documentElement.lang;
	document.title = doc.title;
	document.body.replaceWith(document.adoptNode(doc.body));
	for (const e of document.querySelectorAll(".lists, .folders")) {
		const old = before.get(e.className);
		if (old && (e.className === "folders" || (document.querySelector("#list .rows a")?.getAttribute("href") || "").split("/")[2] === sameList)) e.scrollTop = old.top;
	}
	const target = /** @type {HTMLElement | null} */ (document.querySelector("[autofocus]") || (found && document.querySelector(found)) || document.getElementById("main"));
	target?.focus({ preventScroll: !document.querySelector("[autofocus]") });
	for (const f of ready) f();
}

/** writing loads the scripts of the page for writing, which no other needs. */
export function writing() {
	return Promise.all([import("./compose.js"), import("./people.js")]);
}

let latest = 0;

/**
 * go fetches a page and shows it. It reports whether it has.
 * @param {string} url
 * @param {RequestInit} [init]
 * @param {{history?: "push" | "none", focus?: string}} [opts]
 */
export async function go(url, init, opts) {
	const turn = ++latest;
	document.body.setAttribute("aria-busy", "true");
	try {
		const r = await fetch(url, { ...init, credentials: "same-origin" });
		if (!isPage(r)) return false;
		const text = await r.text();
		if (text.includes('id="compose"')) await writing(); // before somebody writes into it
		if (turn === latest) show(text, r.url, opts);
		return true;
	} catch {
		return false;
	} finally {
		document.body.removeAttribute("aria-busy");
	}
}

/** formInit makes the request that a form would send. @param {HTMLFormElement} form @param {HTMLElement | null} by */
export function formInit(form, by) {
	const data = new FormData(form, by);
	const action = by?.hasAttribute("formaction") ? /** @type {HTMLButtonElement} */ (by).formAction : form.action;
	if (form.method === "get") {
		const url = new URL(action);
		url.search = new URLSearchParams(/** @type {any} */ (data)).toString();
		return { url: url.href, init: {} };
	}
	const body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(/** @type {any} */ (data));
	return { url: action, init: { method: "POST", body } };
}

/** ours reports whether a link leads to a page that can be put in place. @param {HTMLAnchorElement} a */
function ours(a) {
	return a.origin === location.origin && !a.target && !a.hasAttribute("download") && a.getAttribute("href")?.startsWith("/") &&
		!/^\/static\/|\/(part|eml|zip|export|source|headers|print)(\/|$)/.test(a.pathname);
}

document.addEventListener("click", (e) => {
	const a = /** @type {HTMLElement} */ (e.target).closest?.("a");
	if (!a || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || !ours(a)) return;
	e.preventDefault();
	const opened = a.closest("[data-uid]") ? { focus: "#reader" } : undefined;
	go(a.href, undefined, opened).then((done) => { if (!done) location.href = a.href; });
});

document.addEventListener("submit", (e) => {
	const form = /** @type {HTMLFormElement} */ (e.target);
	if (e.defaultPrevented || form.dataset.plain || form.getAttribute("action") === "/logout" || form.id === "compose") return;
	e.preventDefault();
	const { url, init } = formInit(form, e.submitter);
	go(url, init).then((done) => {
		if (done) return;
		form.dataset.plain = "yes";
		form.requestSubmit(e.submitter);
	});
});

addEventListener("popstate", () => {
	go(location.href, undefined, { history: "none" }).then((done) => { if (!done) location.reload(); });
});
