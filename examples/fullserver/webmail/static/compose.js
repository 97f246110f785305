// Writing: the draft is saved by itself some seconds after the last key, what could not be saved is kept in this browser, files show how far
// they are. The field that has the focus is never touched.
import { onPage, show } from "./swap.js";

const fields = ["to", "cc", "bcc", "subject", "body"];

/** @type {HTMLFormElement | null} */
let form = null;
let timer = 0;
let dirty = false, composing = false, sending = false;
/** @type {Promise<void>} */
let saving = Promise.resolve();

const who = () => "wm-rescue " + (document.querySelector(".who")?.textContent || "");
/** @param {string} name */
const field = (name) => /** @type {HTMLInputElement} */ (form?.elements.namedItem(name));

/** state tells how it is. @param {string | undefined} text */
function state(text) {
	const s = document.getElementById("state");
	if (s) s.textContent = text || "";
}

/** keep puts what is written where this browser finds it again. */
function keep() {
	try {
		localStorage.setItem(who(), JSON.stringify(Object.fromEntries(fields.map((f) => [f, field(f).value]))));
	} catch { /* no room, or not allowed */ }
}
function forget() {
	try { localStorage.removeItem(who()); } catch { /* not allowed */ }
}

/** typed reports whether something was written before this was here. */
const typed = () => fields.some((f) => field(f).value !== field(f).defaultValue);

/** restore offers what was not saved, in a message that is new. */
function restore() {
	try {
		const text = localStorage.getItem(who());
		if (!form || !text || field("draft") || field("ref").value || field("to").value || field("subject").value) return;
		const old = JSON.parse(text);
		for (const f of fields) if (typeof old[f] === "string" && old[f]) field(f).value = old[f];
		state(form.dataset.rescue);
		dirty = true;
	} catch { /* nothing to be had */ }
}

/** save saves the draft. @param {HTMLFormElement} of */
async function save(of) {
	dirty = false;
	const data = new FormData(of);
	data.delete("file");
	data.set("do", "save");
	data.delete("keep");
	const boxes = /** @type {HTMLInputElement[]} */ ([...of.querySelectorAll("input[name=keep]")]);
	for (const b of boxes) data.append("keep", b.value); // what is ticked decides when it is sent
	try {
		const r = await fetch(of.action, { method: "POST", body: data, headers: { "X-Autosave": "1" } });
		if (!r.ok) throw new Error(String(r.status));
		const saved = await r.json();
		for (const [name, value] of [["draft", saved.Draft], ["v", saved.Validity], ["folder", saved.Folder]]) {
			let input = /** @type {HTMLInputElement | null} */ (of.elements.namedItem(name));
			if (!input) {
				input = document.createElement("input");
				input.type = "hidden";
				input.name = name;
				of.append(input);
			}
			input.value = value;
		}
		if (saved.Keep.length === boxes.length) boxes.forEach((b, i) => { b.value = saved.Keep[i]; });
		if (!dirty) forget();
		if (of === form) state(of.dataset.saved);
	} catch {
		dirty = true;
		if (of === form) state(of.dataset.unsaved);
	}
}

function later() {
	clearTimeout(timer);
	timer = setTimeout(() => {
		if (!form?.isConnected || composing || sending) return;
		const of = form;
		saving = saving.then(() => save(of));
	}, Number(form?.dataset.pause));
}

/** send sends the form with its files, and shows how far they are. @param {HTMLElement | null} by */
async function send(by) {
	if (!form || sending) return;
	const of = form;
	clearTimeout(timer);
	sending = true;
	await saving;
	const data = new FormData(of, by);
	const files = /** @type {HTMLInputElement | null} */ (of.querySelector("input[type=file]"))?.files || [];
	const size = [...files].reduce((n, f) => n + f.size, 0);
	if (size > Number(of.dataset.max)) {
		sending = false;
		state(of.dataset.toolarge);
		return;
	}
	state(of.dataset.sending);
	const bar = /** @type {HTMLProgressElement | null} */ (document.getElementById("progress"));
	const x = new XMLHttpRequest();
	x.open("POST", of.action);
	x.upload.addEventListener("progress", (e) => {
		if (!bar || !e.lengthComputable || !size) return;
		bar.hidden = false;
		bar.value = 100 * e.loaded / e.total;
	});
	x.addEventListener("load", () => {
		sending = false;
		if (x.status < 400) {
			dirty = false;
			forget();
		} else keep();
		if (x.getResponseHeader("X-Page")) show(x.responseText, x.responseURL);
		else location.href = x.responseURL;
	});
	x.addEventListener("error", () => {
		sending = false;
		keep();
		state(of.dataset.unsaved);
		if (bar) bar.hidden = true;
	});
	x.send(data);
}

onPage(() => {
	const f = /** @type {HTMLFormElement | null} */ (document.getElementById("compose"));
	if (f === form) return;
	form = f;
	dirty = false;
	sending = false;
	clearTimeout(timer);
	if (!form) return;
	if (typed()) {
		dirty = true;
		keep();
		later();
	} else restore();
	form.addEventListener("compositionstart", () => { composing = true; });
	form.addEventListener("compositionend", () => { composing = false; later(); });
	form.addEventListener("input", (e) => {
		const target = /** @type {HTMLInputElement} */ (e.target);
		if (target.type === "file" || target.name === "keep") return;
		dirty = true;
		keep();
		later();
	});
	form.addEventListener("submit", (e) => {
		e.preventDefault();
		send(e.submitter);
	});
	form.addEventListener("change", (e) => { // files go up as soon as they are chosen
		const target = /** @type {HTMLInputElement} */ (e.target);
		if (target.type === "file" && target.files?.length) form?.requestSubmit(/** @type {HTMLElement} */ (form.querySelector('button[value="attach"]')));
	});
	form.addEventListener("paste", (e) => { // a picture from the clipboard
		const files = e.clipboardData?.files;
		const input = /** @type {HTMLInputElement | null | undefined} */ (form?.querySelector("input[type=file]"));
		if (!input || !files?.length || e.clipboardData?.types.includes("text/plain")) return;
		e.preventDefault();
		input.files = files;
		input.dispatchEvent(new Event("change", { bubbles: true }));
	});
	for (const type of ["dragover", "drop"]) {
		form.addEventListener(type, (e) => {
			const files = /** @type {DragEvent} */ (e).dataTransfer?.files;
			if (!/** @type {DragEvent} */ (e).dataTransfer?.types.includes("Files")) return;
			e.preventDefault();
			const input = /** @type {HTMLInputElement | null | undefined} */ (form?.querySelector("input[type=file]"));
			if (type === "drop" && input && files?.length) {
				input.files = files;
				input.dispatchEvent(new Event("change", { bubbles: true }));
			}
		});
	}
});

// Who leaves the page keeps what is written.
addEventListener("pagehide", () => { if (dirty && form?.isConnected && !sending) keep(); });
document.addEventListener("visibilitychange", () => { if (document.hidden && dirty && form?.isConnected) { clearTimeout(timer); const of = form; saving = saving.then(() => save(of)); } });

