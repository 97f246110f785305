// The keyboard: Gmail's keys, and mutt's m and d. They are off in fields, while an input method composes, and where the user has switched them
// off (WCAG 2.1.4).

/** @param {string} sel */
const one = (sel) => /** @type {HTMLElement | null} */ (document.querySelector(sel));

/** press clicks what is there. @param {string} sel */
function press(sel) {
	const e = one(sel);
	e?.click();
	return !!e;
}

/** row is the one that the keyboard is at. */
function row() {
	return document.activeElement?.closest(".row") || null;
}

/** step goes to the next or previous message. @param {number} by */
function step(by) {
	if (document.querySelector(".open #reader article") && !row()) return press(by > 0 ? 'a[data-key="j"]' : 'a[data-key="k"]');
	const rows = [...document.querySelectorAll(".rows .row")];
	const at = row();
	const next = rows[at ? rows.indexOf(at) + by : 0];
	/** @type {HTMLElement | null | undefined} */ (next?.querySelector("a"))?.focus();
	return !!next;
}

/** act does something with the open message, or with what is ticked, or the row that the keyboard is at. @param {string} what */
function act(what) {
	if (one("#act") && !row() && !one("#list input[name=uid]:checked")) return press(`#act button[value="${what}"]`);
	const box = /** @type {HTMLInputElement | null | undefined} */ (row()?.querySelector("input[name=uid]"));
	if (!one("#list input[name=uid]:checked")) {
		if (!box) return false;
		box.checked = true;
	}
	return press(`#list button[value="${what}"]`);
}

/** star changes the star of the message. */
function star() {
	const b = /** @type {HTMLElement | null | undefined} */ (row()?.querySelector(".star")) || one(".row.current .star");
	b?.click();
	return !!b;
}

/** tick ticks the row. */
function tick() {
	const b = /** @type {HTMLElement | null} */ ((row() || one(".row.current"))?.querySelector("input[name=uid]") || null);
	b?.click();
	return !!b;
}

/** @type {Record<string, () => boolean>} */
const keys = {
	j: () => step(1), n: () => step(1), k: () => step(-1), p: () => step(-1),
	c: () => press(".write"), m: () => press(".write"),
	r: () => press('a[data-key="r"]'), a: () => press('a[data-key="a"]'), f: () => press('a[data-key="f"]'),
	e: () => act("archive"), "#": () => act("delete"), d: () => act("delete"), "!": () => act("spam"), U: () => act("unread"),
	s: star, x: tick, u: () => press(".back"), z: () => press("#live button"),
	"/": () => { one("#q")?.focus(); return true; },
	"?": () => { location.href = "/keys"; return true; },
};

let g = 0; // when "g" was pressed

document.addEventListener("keydown", (e) => {
	if (e.isComposing || e.keyCode === 229 || e.defaultPrevented) return;
	const target = /** @type {HTMLElement} */ (e.target);
	if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && target.closest?.("#compose")) {
		e.preventDefault();
		press('#compose button[value="send"]');
		return;
	}
	if (e.ctrlKey || e.metaKey || e.altKey || !document.body.dataset.keys) return;
	if (target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
	if (Date.now() - g < 1500 && /^[isd]$/.test(e.key)) {
		g = 0;
		if (press(`[data-go="${e.key}"]`)) e.preventDefault();
		return;
	}
	if (e.key === "g") {
		g = Date.now();
		return;
	}
	const f = Object.hasOwn(keys, e.key) && keys[e.key];
	if (f && f()) e.preventDefault();
});
