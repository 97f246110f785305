package webmail

import (
	"context"
	"html"
	"strings"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime/mailhtml"
)

// richCSP is for the page on which messages are written with formatting: it has an editor and what makes clean what is pasted into it, which makes HTML out of strings by a
// policy of its own, and it shows colours.
const richCSP = pageCSP + " dompurify; style-src-attr 'unsafe-inline'"

// richScripts are what the page loads for it.
func richScripts() []string { return []string{"purify.min.js", "squire.js"} }

// cleanHTML makes what somebody has written, or a browser says so, safe to send: without what runs, loads or covers anything.
func cleanHTML(text string) string {
	return string(new(mailhtml.Sanitizer).Sanitize([]byte(text)).HTML)
}

// setHTML makes a letter one with formatting; its text is made here, too, whatever the browser says that it is.
func (l *letter) setHTML(text string) {
	l.HTML = cleanHTML(text)
	l.Body = mailhtml.Text([]byte(l.HTML), nil)
}

// textHTML is a text as the editor has it, a block a line.
func textHTML(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			b.WriteString("<div><br></div>")
			continue
		}
		b.WriteString("<div>" + html.EscapeString(line) + "</div>")
	}
	return b.String()
}

// document is a whole document with what the letter says, and below it what it quotes.
func document(fragments ...string) string {
	return "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body>" + strings.Join(fragments, "") + "</body></html>"
}

// EditorHTML is what the editor begins with.
func (d *composeData) EditorHTML() string {
	if d.Letter.HTML != "" {
		return d.Letter.HTML
	}
	return textHTML(d.Letter.Body)
}

// Formats are what the editor's buttons do.
func (d *composeData) Formats() []string {
	return []string{"bold", "italic", "underline", "bullets", "numbers", "quote", "link", "plain"}
}

// readHTML takes over the formatting of a draft that has some.
func (q *request) readHTML(ctx context.Context, c *imapclient.Client, l *letter, m *message) error {
	var show []parts.Leaf
	for _, leaf := range parts.Choose(m.Structure, true).Show {
		if leaf.IsHTML() {
			show = append(show, leaf)
		}
	}
	texts, err := q.readTexts(ctx, c, m.UID, show)
	if err != nil || len(texts) == 0 {
		return err
	}
	var all strings.Builder
	for _, t := range texts {
		all.WriteString(t.text)
	}
	l.HTML, l.Rich = cleanHTML(all.String()), true
	return nil
}

// quotedHTML is what quoted returns for a letter with formatting. Nothing of it is loaded from elsewhere by who gets it, and it never was in the editor.
func (q *request) quotedHTML(ctx context.Context, c *imapclient.Client, m *message, mode string) (string, error) {
	texts, err := q.readTexts(ctx, c, m.UID, parts.Choose(m.Structure, true).Show)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("<div><br></div>" + textHTML(q.quoteHead(m, mode)))
	if mode != "forward" {
		b.WriteString(`<blockquote type="cite" style="margin:0 0 0 6px;border-left:2px solid #ccc;padding-left:10px">`)
	}
	for _, t := range texts {
		if t.leaf.IsHTML() {
			b.WriteString(cleanHTML(t.text))
		} else {
			b.WriteString(mailhtml.FromText(t.text, "m-"))
		}
	}
	if mode != "forward" {
		b.WriteString("</blockquote>")
	}
	return b.String(), nil
}
