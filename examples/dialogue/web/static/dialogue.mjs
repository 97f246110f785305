// Adds lines to the transcript as they come. What comes is HTML that the server's template has escaped.
const notes = document.getElementById("notes");
const now = document.getElementById("now");
const live = document.getElementById("live");
const trusted = globalThis.trustedTypes
  ? trustedTypes.createPolicy("dialogue", { createHTML: (html) => html })
  : { createHTML: (html) => html };

const events = new EventSource(notes.dataset.events + "&from=" + notes.dataset.from);
events.onmessage = (event) => {
  const news = JSON.parse(event.data);
  const atEnd = innerHeight + scrollY >= document.body.scrollHeight - 80;
  notes.insertAdjacentHTML("beforeend", trusted.createHTML(news.notes));
  now.innerHTML = trusted.createHTML(news.now);
  if (atEnd) notes.lastElementChild.scrollIntoView({ block: "end" });
};
events.addEventListener("over", () => {
  events.close();
  live.remove();
});
