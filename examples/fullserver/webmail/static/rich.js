// Writing with formatting. What is pasted is made clean here (DOMPurify) and again by the server before it is sent; what the form sends is the editor's
// HTML, of which the server makes the text, too.
import { onPage } from "./swap.js";

/** @type {Record<string, [string, string, string]>} What a button does: where it is on, and the methods for on and off. */
const does = {
	bold: ["B", "bold", "removeBold"], italic: ["I", "italic", "removeItalic"], underline: ["U", "underline", "removeUnderline"],
	bullets: ["UL", "makeUnorderedList", "removeList"], numbers: ["OL", "makeOrderedList", "removeList"],
	quote: ["BLOCKQUOTE", "increaseQuoteLevel", "decreaseQuoteLevel"], link: ["A", "", "removeLink"], plain: ["", "removeAllFormatting", "removeAllFormatting"],
};

onPage(() => {
	const root = document.getElementById("rich"), bar = document.getElementById("format");
	const text = /** @type {HTMLTextAreaElement | null} */ (document.getElementById("text"));
	const Squire = /** @type {any} */ (globalThis).Squire;
	if (!root || !bar || !text || root.dataset.on || !Squire) return;
	root.dataset.on = "yes";
	for (const e of [root, bar]) e.hidden = false;
	text.hidden = true;
	const editor = new Squire(root, { blockTag: "DIV", sanitizeToDOMFragment: (/** @type {string} */ html) => document.importNode(
		/** @type {any} */ (globalThis).DOMPurify.sanitize(html, { RETURN_DOM_FRAGMENT: true, FORBID_TAGS: ["style", "form", "input", "button", "img", "svg", "math"], FORBID_ATTR: ["id", "class"] }), true) });
	editor.setHTML(root.dataset.html || "");
	/** @param {string} name */
	const hidden = (name) => {
		const input = document.createElement("input");
		input.type = "hidden";
		input.name = name;
		text.after(input);
		return input;
	};
	hidden("rich").value = "yes";
	const html = hidden("html");
	const update = () => {
		html.value = editor.getHTML();
		text.value = root.innerText; // what this browser keeps if the draft can't be saved
	};
	update();
	editor.addEventListener("input", () => {
		update();
		text.dispatchEvent(new Event("input", { bubbles: true }));
	});
	const marks = () => {
		for (const b of /** @type {NodeListOf<HTMLElement>} */ (bar.querySelectorAll("[data-do][aria-pressed]"))) {
			b.setAttribute("aria-pressed", String(editor.hasFormat(does[b.dataset.do || ""][0])));
		}
	};
	editor.addEventListener("pathChange", marks);
	editor.addEventListener("select", marks);
	bar.addEventListener("click", (e) => {
		const b = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (e.target).closest("[data-do]"));
		const d = b && does[b.dataset.do || ""];
		if (!b || !d) return;
		const on = d[0] && editor.hasFormat(d[0]);
		if (b.dataset.do === "link" && !on) {
			const to = prompt(b.dataset.ask || "", "https://");
			if (to && /^(https?:|mailto:)/i.test(to)) editor.makeLink(to);
		} else editor[on ? d[2] : d[1]]();
		editor.focus();
		marks();
	});
	if (text.hasAttribute("autofocus")) editor.focus();
});
