package webmail

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/prefs"
	"github.com/buuta/mail/imap/imapclient"
)

// letter is a message that is being written, as the form has it.
type letter struct {
	ID          string // of the form: what it sends goes out once
	From        int    // index of the identity
	To, Cc, Bcc string
	Subject     string
	Body        string
	HTML        string    // the same with formatting, made clean; "": there is none
	Rich        bool      // it is written with formatting
	Ref         reference // what it answers
	Quote       bool      // the other message's text is put below when it is sent
	Receipt     bool      // its sender is told when it has been delivered (RFC 3461)
	Keep        []string  // sections of attachments that stay, of the draft or of what is forwarded

	// Where it is kept.
	Draft    mail.UID
	Validity uint32
	Folder   string
}

// reference names the message that is answered or passed on.
type reference struct {
	Mode     string // "reply", "all", "forward"; "" for none
	Folder   string
	Validity uint32
	UID      mail.UID
}

// String writes the reference for a form or a draft's header.
func (r reference) String() string {
	if r.Mode == "" {
		return ""
	}
	return r.Mode + " " + strconv.FormatUint(uint64(r.Validity), 10) + " " + strconv.FormatUint(uint64(r.UID), 10) + " " + url.PathEscape(escapeFolder(r.Folder))
}

// URL returns the address of the message; "" for none.
func (r reference) URL() string {
	if r.Mode == "" {
		return ""
	}
	return messageURL(r.Folder, r.UID)
}

func parseReference(s string) reference {
	f := strings.Fields(s)
	if len(f) != 4 || f[0] != "reply" && f[0] != "all" && f[0] != "forward" {
		return reference{}
	}
	v, err1 := strconv.ParseUint(f[1], 10, 32)
	u, err2 := strconv.ParseUint(f[2], 10, 32)
	name, err3 := url.PathUnescape(f[3])
	name, ok := unescapeFolder(name)
	if err1 != nil || err2 != nil || err3 != nil || !ok || u == 0 {
		return reference{}
	}
	return reference{f[0], name, uint32(v), mail.UID(u)}
}

type composeData struct {
	*page
	Letter      *letter
	Identities  []prefs.Identity
	Attachments []attachmentView
	MaxSize     int64
	Pause       int64 // until the draft saves itself, in milliseconds
	CanSend     bool
	QuoteURL    string // the other message, in its frame; "": there is none
	QuoteText   string // the other message, where it is text
	Problem     string // why it has not been sent
	Saved       bool
}

// identities returns whom the user may write as, one at least.
func (q *request) identities() []prefs.Identity {
	if len(q.prefs.Identities) > 0 {
		return q.prefs.Identities
	}
	email := q.sess.User
	if !strings.Contains(email, "@") {
		domain := q.cfg.Domain
		if domain == "" {
			domain, _, _ = strings.Cut(q.cfg.IMAP, ":")
		}
		email += "@" + domain
	}
	return []prefs.Identity{{Email: email}}
}

// composePage begins a message, or goes on with a draft. It changes nothing.
func (q *request) composePage() error {
	v := q.r.URL.Query()
	p := q.page("compose.title")
	d := composeData{page: p, Identities: q.identities(), Letter: &letter{}}
	err := q.do(func(ctx context.Context, c *imapclient.Client) (err error) {
		if err := q.addFolders(ctx, c, p); err != nil {
			return err
		}
		switch {
		case v.Get("draft") != "":
			err = q.openDraft(ctx, c, &d, v.Get("draft"), v.Get("folder"))
			addChosen(d.Letter, v)
		case v.Get("mode") != "":
			err = q.answer(ctx, c, &d, v.Get("mode"), v.Get("folder"), v.Get("uid"))
		default:
			q.newLetter(&d, v)
		}
		if err != nil {
			return err
		}
		return q.addQuote(ctx, c, &d)
	})
	if err != nil {
		return err
	}
	d.Letter.ID = session.NewCookie()[:16]
	switch v.Get("format") {
	case "rich":
		d.Letter.Rich = true
	case "plain":
		d.Letter.Rich = false
	}
	d.Saved = v.Get("saved") != ""
	return q.renderLetter(http.StatusOK, &d)
}

func (q *request) renderLetter(status int, d *composeData) error {
	if d.Rich = d.Letter.Rich; d.Rich {
		q.w.Header().Set("Content-Security-Policy", richCSP)
	}
	d.MaxSize, d.CanSend, d.Pause = q.limits.Upload, q.cfg.SMTP != "", q.limits.Autosave.Milliseconds()
	return q.render(status, "compose", d)
}

// newLetter fills in what a link asks for: to, cc, bcc, subject, body, or a mailto: address (RFC 6068).
func (q *request) newLetter(d *composeData, v url.Values) {
	l := d.Letter
	if m, ok := strings.CutPrefix(v.Get("mailto"), "mailto:"); ok {
		to, query, _ := strings.Cut(m, "?")
		more, err := url.ParseQuery(strings.ReplaceAll(query, "+", "%2B"))
		if err == nil {
			v = more
		}
		if to, err = url.PathUnescape(to); err == nil && to != "" {
			v.Add("to", to)
		}
	}
	l.To, l.Cc, l.Bcc = strings.Join(v["to"], ", "), strings.Join(v["cc"], ", "), strings.Join(v["bcc"], ", ")
	l.Subject, l.Body = v.Get("subject"), v.Get("body")
	l.Body += signature(d.Identities[0])
}

// addChosen adds people that were chosen from an address book.
func addChosen(l *letter, v url.Values) {
	for _, f := range []struct {
		name string
		to   *string
	}{{"to", &l.To}, {"cc", &l.Cc}, {"bcc", &l.Bcc}} {
		for _, s := range v[f.name] {
			*f.to = strings.TrimLeft(strings.TrimRight(*f.to, " ,")+", "+clean(s, 320*maxRecipients), " ,")
		}
	}
}

// signature returns what stands below a text of an identity.
func signature(i prefs.Identity) string {
	if i.Signature == "" {
		return ""
	}
	return "\n\n-- \n" + i.Signature + "\n"
}

// readLetter reads the form.
func (q *request) readLetter() (*letter, error) {
	f := q.r.PostFormValue
	l := &letter{ID: f("id"), To: f("to"), Cc: f("cc"), Bcc: f("bcc"), Subject: f("subject"), Body: strings.ReplaceAll(f("body"), "\r\n", "\n"),
		Ref: parseReference(f("ref")), Quote: f("quote") != "", Receipt: f("receipt") != "", Keep: q.r.PostForm["keep"], Folder: f("folder")}
	from, err := strconv.Atoi(f("from"))
	if err != nil || from < 0 || from >= len(q.identities()) {
		from = 0
	}
	l.From = from
	if l.Rich = f("rich") != ""; l.Rich {
		l.setHTML(f("html"))
	}
	if f("draft") != "" {
		u, err1 := strconv.ParseUint(f("draft"), 10, 32)
		v, err2 := strconv.ParseUint(f("v"), 10, 32)
		if err1 != nil || err2 != nil || u == 0 || !validFolder(l.Folder) || l.Folder == "" {
			return nil, badRequest
		}
		l.Draft, l.Validity = mail.UID(u), uint32(v)
	}
	return l, nil
}

// compose does what the form asks for: keep the draft, with the files that came, send it, or throw it away.
func (q *request) compose() error {
	l, err := q.readLetter()
	if err != nil {
		return err
	}
	switch do := q.r.PostFormValue("do"); do {
	case "save", "attach", "people", "rich", "plain":
		if do == "plain" {
			l.HTML, l.Rich = "", false
		}
		if err := q.saveDraft(l); err != nil {
			return q.notDone(l, err)
		}
		if q.r.Header.Get("X-Autosave") != "" { // the script goes on in the same page
			return q.autosaved(l)
		}
		at := "draft=" + strconv.FormatUint(uint64(l.Draft), 10) + "&folder=" + url.QueryEscape(l.Folder)
		switch do {
		case "people":
			return q.redirect("/contacts?" + at)
		case "rich", "plain":
			at += "&format=" + do
		}
		return q.redirect("/compose?saved=1&" + at)
	case "discard":
		if err := q.dropDraft(l); err != nil {
			return err
		}
		return q.remember(&done{key: "done.discard", count: 1}, "/mail/INBOX")
	case "send":
		return q.send(l)
	case "textquote":
		return q.editQuote(l)
	}
	return badRequest
}

// notDone shows the form again, with what was written, and why it was not done. A script is told the reason only.
func (q *request) notDone(l *letter, err error) error {
	f := q.failureOf(err)
	if f == badRequest || f.status == http.StatusUnauthorized || q.r.Header.Get("X-Autosave") != "" {
		return f
	}
	return q.again(l, f.status, q.T(f.key, f.args...))
}

// autosaved tells a script what the draft is called now, and the sections of its attachments, in the order in which the form had them.
func (q *request) autosaved(l *letter) error {
	out := struct {
		Draft, Folder, Validity string
		Keep                    []string
	}{strconv.FormatUint(uint64(l.Draft), 10), l.Folder, strconv.FormatUint(uint64(l.Validity), 10), []string{}}
	if len(l.Keep) > 0 {
		err := q.do(func(ctx context.Context, c *imapclient.Client) error {
			m, err := q.fetchKept(ctx, c, l)
			if err != nil || m == nil {
				return err
			}
			for _, a := range q.attachmentsOf(m, messageURL(l.Folder, l.Draft)) {
				out.Keep = append(out.Keep, a.section())
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "application/json")
	return q.write(http.StatusOK, b)
}

// again shows the form with what was written, and why it was not done.
func (q *request) again(l *letter, status int, problem string) error {
	p := q.page("compose.title")
	d := composeData{page: p, Identities: q.identities(), Letter: l, Problem: problem}
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		if err := q.addFolders(ctx, c, p); err != nil {
			return err
		}
		if err := q.listAttachments(ctx, c, &d); err != nil {
			return err
		}
		return q.addQuote(ctx, c, &d)
	})
	if err != nil { // what was written must not be lost because the server has gone
		q.cfg.Log.Warn("webmail: compose", "err", err)
	}
	return q.renderLetter(status, &d)
}
