package webmail

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/mailhtml"
)

// answer begins a reply to a message, or its forwarding.
func (q *request) answer(ctx context.Context, c *imapclient.Client, d *composeData, mode, folder, uid string) error {
	if !slices.Contains([]string{"reply", "all", "list", "forward", "attach"}, mode) {
		return notFound
	}
	box, m, err := messageAt(ctx, c, folder, uid)
	if err != nil {
		return err
	}
	l := d.Letter
	l.Ref, l.Quote = reference{mode, folder, box.UIDValidity, m.UID}, mode != "attach"
	switch mode {
	case "list":
		l.Ref.Mode = "reply"
	case "attach":
		l.Ref.Mode = "forward"
	}
	q.chooseIdentity(d, m)
	l.Body = signature(d.Identities[l.From])
	if l.Ref.Mode == "forward" {
		l.Subject = clean(decodeText(m.header.Get("Subject")), 1000)
		if !strings.HasPrefix(strings.ToLower(l.Subject), "fwd:") {
			l.Subject = "Fwd: " + l.Subject
		}
		if d.Attachments = q.attachmentsOf(m, messageURL(folder, m.UID)); mode == "attach" {
			d.Attachments = []attachmentView{q.wholeView(m, folder)}
		}
		for _, a := range d.Attachments {
			l.Keep = append(l.Keep, a.section())
		}
		return nil
	}
	b := q.plainMessage(m).Reply(mime.ReplyOptions{From: q.ownAddresses(), All: mode == "all"})
	l.To, l.Cc, l.Subject = formAddresses(b.To), formAddresses(b.Cc), clean(b.Subject, 1000)
	if mode == "list" {
		if l.To, l.Cc = listAddress(m.header), ""; l.To == "" {
			return notFound
		}
	}
	return nil
}

// listAddress returns the address to which a mailing list's members write (RFC 2369 section 3.4); "" where there is none.
func listAddress(h *mime.Header) string {
	for _, u := range h.List().Post {
		if to, ok := strings.CutPrefix(u, "mailto:"); ok {
			to, _, _ = strings.Cut(to, "?")
			if to, err := url.PathUnescape(to); err == nil {
				if list, bad := parseRecipients(to); bad == "" {
					return formAddresses(list)
				}
			}
		}
	}
	return ""
}

// whole is what stands in the form for a message that is attached to another, until that is a draft.
const whole = "whole"

func (q *request) wholeView(m *message, folder string) attachmentView {
	return attachmentView{Name: q.subjectName(m) + ".eml", Type: "message/rfc822", URL: messageURL(folder, m.UID) + "/" + whole, Size: m.Size}
}

// plainMessage is a message's header as package mime wants it.
func (q *request) plainMessage(m *message) *mime.Message {
	h := m.header
	out := &mime.Message{Header: h, From: h.Addresses("From"), To: h.Addresses("To"), Cc: h.Addresses("Cc"), ReplyTo: h.Addresses("Reply-To"),
		Subject: decodeText(h.Get("Subject")), Date: h.Date("Date"), InReplyTo: h.MessageIDs("In-Reply-To"), References: h.MessageIDs("References")}
	if ids := h.MessageIDs("Message-ID"); len(ids) > 0 {
		out.MessageID = ids[0]
	}
	return out
}

func (q *request) ownAddresses() []mime.Address {
	var out []mime.Address
	for _, i := range q.identities() {
		if a, err := i.Address(); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// chooseIdentity takes the identity that the message was sent to.
func (q *request) chooseIdentity(d *composeData, m *message) {
	for _, field := range []string{"To", "Cc", "Delivered-To", "From"} {
		for a := range mime.Mailboxes(m.header.Addresses(field)) {
			for i, id := range d.Identities {
				if strings.EqualFold(id.Email, a.Addr()) {
					d.Letter.From = i
					return
				}
			}
		}
	}
}

// formAddresses writes addresses as they stand in a field of the form: names as they are read, in quotes where they must be.
func formAddresses(list []mime.Address) string {
	var out []string
	for a := range mime.Mailboxes(list) {
		name := clean(decodeText(a.Name), 200)
		addr := clean(a.Addr(), 320)
		switch {
		case name == "":
			out = append(out, addr)
		case strings.ContainsAny(name, `()<>[]:;@\,."`):
			out = append(out, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)+`" <`+addr+">")
		default:
			out = append(out, name+" <"+addr+">")
		}
	}
	return strings.Join(out, ", ")
}

// section returns the section number of an attachment by its address.
func (a attachmentView) section() string { return a.URL[strings.LastIndexByte(a.URL, '/')+1:] }

// Section returns the section number for the form.
func (a attachmentView) Section() string { return a.section() }

// attachmentsOf lists what is attached to a message.
func (q *request) attachmentsOf(m *message, url string) []attachmentView {
	v := &messageView{URL: url}
	q.addAttachments(v, parts.Choose(m.Structure, true), nil)
	return v.Attachments
}

// fetchRef fetches the message that a letter answers, nil when it is not there any more.
func (q *request) fetchRef(ctx context.Context, c *imapclient.Client, r reference) (*message, error) {
	if r.Mode == "" {
		return nil, nil
	}
	box, err := selectFolder(ctx, c, r.Folder)
	if err == nil && box.UIDValidity != r.Validity {
		return nil, nil
	}
	if err != nil {
		if imapclient.Refused(err) {
			return nil, nil
		}
		return nil, err
	}
	m, err := fetchMessage(ctx, c, r.UID)
	if err != nil && c.Err() == nil {
		return nil, nil
	}
	return m, err
}

// addQuote adds what is shown of the message that is answered. Its HTML never comes near the editor: it is in a frame of its own, as in
// reading, and is put below the answer when that is sent.
func (q *request) addQuote(ctx context.Context, c *imapclient.Client, d *composeData) error {
	if !d.Letter.Quote {
		return nil
	}
	m, err := q.fetchRef(ctx, c, d.Letter.Ref)
	if err != nil {
		return err
	}
	if m == nil {
		d.Letter.Quote, d.Letter.Ref = false, reference{}
		return nil
	}
	for _, l := range parts.Choose(m.Structure, true).Show {
		if l.IsHTML() {
			d.QuoteURL = d.Letter.Ref.URL() + "/body"
			return nil
		}
	}
	d.QuoteText, err = q.quoted(ctx, c, m, d.Letter.Ref.Mode)
	return err
}

// quoted returns the text of a message as it stands below an answer, or below what is written to a message that is passed on.
func (q *request) quoted(ctx context.Context, c *imapclient.Client, m *message, mode string) (string, error) {
	texts, err := q.readTexts(ctx, c, m.UID, parts.Choose(m.Structure, false).Show)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, t := range texts {
		s := t.text
		if t.leaf.IsHTML() {
			s = mailhtml.Text([]byte(s), nil)
		}
		b.WriteString(strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n ") + "\n")
	}
	if mode == "forward" {
		return q.quoteHead(m, mode) + "\n" + b.String(), nil
	}
	var out strings.Builder
	out.WriteString(q.quoteHead(m, mode))
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimRight(line, "\r\n"); strings.HasPrefix(line, ">") {
			out.WriteString(">" + line + "\n")
		} else {
			out.WriteString(strings.TrimRight("> "+line, " ") + "\n")
		}
	}
	return out.String(), nil
}

// quoteHead is what stands above a text that is quoted: lines that say whose it is.
func (q *request) quoteHead(m *message, mode string) string {
	date := ""
	if t := m.header.Date("Date"); !t.IsZero() {
		date = q.lang.Moment(t.In(q.zone))
	}
	from, _ := people(m.header.Addresses("From"))
	if mode != "forward" {
		return q.T("reply.head", date, from) + "\n"
	}
	to, _ := people(m.header.Addresses("To"))
	return q.T("forward.head") + "\n" + q.T("field.from") + ": " + from + "\n" + q.T("field.date") + ": " + date + "\n" + q.T("field.subject") + ": " +
		clean(decodeText(m.header.Get("Subject")), 1000) + "\n" + q.T("field.to") + ": " + to + "\n"
}

// editQuote puts the quoted text into the editor, as text.
func (q *request) editQuote(l *letter) error {
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		m, err := q.fetchRef(ctx, c, l.Ref)
		if err != nil || m == nil {
			return err
		}
		text, err := q.quoted(ctx, c, m, l.Ref.Mode)
		if l.Body = below(l.Body, text); l.Rich {
			l.HTML += "<div><br></div>" + textHTML(text)
		}
		return err
	})
	if err != nil {
		return err
	}
	l.Quote = false
	return q.again(l, http.StatusOK, "")
}

// below puts a quoted text below what was written.
func below(body, quote string) string {
	return strings.TrimRight(body, "\n") + "\n\n" + quote
}

// answerURL returns the address that begins an answer.
func answerURL(mode, folder string, uid mail.UID) string {
	return "/compose?mode=" + mode + "&folder=" + url.QueryEscape(folder) + "&uid=" + strconv.FormatUint(uint64(uid), 10)
}

// Reply, ReplyAll and Forward are the addresses that begin an answer.
func (v *messageView) Reply() string { return answerURL("reply", v.Folder.Name, v.UID) }

// ReplyAll answers everybody.
func (v *messageView) ReplyAll() string { return answerURL("all", v.Folder.Name, v.UID) }

// ReplyList writes to the mailing list that the message came from; "" for none.
func (v *messageView) ReplyList() string {
	if !v.List {
		return ""
	}
	return answerURL("list", v.Folder.Name, v.UID)
}

// ForwardAs passes the message on as a file.
func (v *messageView) ForwardAs() string { return answerURL("attach", v.Folder.Name, v.UID) }

// Forward passes the message on.
func (v *messageView) Forward() string { return answerURL("forward", v.Folder.Name, v.UID) }
