// Whom a message goes to: while somebody is typed, those whom it could be are offered (a combobox as the ARIA practices have it). What an input
// method composes is left alone.
import { onPage } from "./swap.js";

let timer = 0, turn = 0;

/** part is what stands around the cursor, between commas. @param {HTMLInputElement} input */
function part(input) {
	const at = input.selectionStart ?? input.value.length;
	let from = 0, quoted = false;
	for (let i = 0; i < at; i++) {
		const c = input.value[i];
		if (c === '"') quoted = !quoted;
		if (!quoted && (c === "," || c === ";")) from = i + 1;
	}
	const rest = input.value.slice(at).search(/[,;]/);
	return { from, to: rest < 0 ? input.value.length : at + rest, text: input.value.slice(from, at).trim() };
}

/** close takes the offers away. @param {HTMLInputElement} input */
function close(input) {
	turn++;
	clearTimeout(timer);
	document.getElementById("offers")?.remove();
	input.setAttribute("aria-expanded", "false");
	input.removeAttribute("aria-activedescendant");
}

/** take puts the one who was chosen in place of what was typed. @param {HTMLInputElement} input @param {HTMLElement} option */
function take(input, option) {
	const { from, to } = part(input);
	const before = input.value.slice(0, from), after = input.value.slice(to).replace(/^[,;\s]+/, "");
	const head = before + (before ? " " : "") + option.dataset.value + ", ";
	input.value = head + after;
	close(input);
	input.focus();
	input.setSelectionRange(head.length, head.length);
	input.dispatchEvent(new Event("input", { bubbles: true }));
}

/** choose marks an offer. @param {HTMLInputElement} input @param {number} by */
function choose(input, by) {
	const all = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#offers [role=option]")]);
	const at = all.findIndex((o) => o.getAttribute("aria-selected") === "true");
	const next = all[(Math.max(at, by < 0 ? 0 : -1) + by + all.length) % all.length];
	for (const o of all) o.setAttribute("aria-selected", String(o === next));
	input.setAttribute("aria-activedescendant", next.id);
	next.scrollIntoView({ block: "nearest" });
}

/** offer asks for those whom it could be, and shows them. @param {HTMLInputElement} input */
async function offer(input) {
	const { text } = part(input), mine = ++turn;
	if (!text) return close(input);
	try {
		const r = await fetch("/contacts/suggest?q=" + encodeURIComponent(text), { credentials: "same-origin" });
		const list = r.ok && !r.redirected ? await r.json() : [];
		if (mine !== turn || document.activeElement !== input) return;
		if (!list?.length) return close(input);
		const box = document.createElement("ul");
		box.id = "offers";
		box.setAttribute("role", "listbox");
		box.setAttribute("aria-label", input.labels?.[0]?.textContent || "");
		list.forEach((/** @type {{Label: string, Value: string}} */ s, /** @type {number} */ i) => {
			const o = document.createElement("li");
			o.id = "offer" + i;
			o.setAttribute("role", "option");
			o.setAttribute("aria-selected", "false");
			o.dataset.value = s.Value;
			o.textContent = s.Label;
			o.dir = "auto";
			o.addEventListener("mousedown", (e) => { e.preventDefault(); take(input, o); });
			box.append(o);
		});
		document.getElementById("offers")?.remove();
		input.after(box);
		input.setAttribute("aria-expanded", "true");
		const said = document.getElementById("state");
		if (said) said.textContent = (input.form?.dataset.people || "").replace("%d", String(list.length));
	} catch { /* then it is typed in full */ }
}

onPage(() => {
	for (const e of document.querySelectorAll(".people input")) {
		const input = /** @type {HTMLInputElement} */ (e);
		if (input.getAttribute("role")) continue;
		for (const [k, v] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", "offers"], ["aria-expanded", "false"]]) input.setAttribute(k, v);
		input.addEventListener("input", (ev) => {
			if (/** @type {InputEvent} */ (ev).isComposing || !ev.isTrusted) return;
			clearTimeout(timer);
			timer = setTimeout(() => offer(input), 120);
		});
		if (document.activeElement === input && input.value !== input.defaultValue) timer = setTimeout(() => offer(input), 120); // typed before this was here
		input.addEventListener("compositionend", () => { timer = setTimeout(() => offer(input), 120); });
		input.addEventListener("blur", () => close(input));
		input.addEventListener("keypress", (ev) => { if (ev.key === "Enter" && !ev.ctrlKey) ev.preventDefault(); });
		input.addEventListener("keydown", (ev) => {
			if (ev.isComposing || ev.keyCode === 229 || !document.getElementById("offers")) return;
			const chosen = /** @type {HTMLElement | null} */ (document.querySelector("#offers [aria-selected=true]"));
			if (ev.key === "ArrowDown") choose(input, 1);
			else if (ev.key === "ArrowUp") choose(input, -1);
			else if (ev.key === "Escape") close(input);
			else if ((ev.key === "Enter" || ev.key === "Tab") && chosen) take(input, chosen);
			else return;
			ev.preventDefault();
			ev.stopPropagation();
		});
	}
});
