package webmail

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/contacts"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/prefs"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/pgpmime"
)

// person is somebody in a message's header.
type person struct{ Name, Addr string }

// String writes the person as it can stand in a form.
func (p person) String() string {
	if p.Name == "" {
		return p.Addr
	}
	return p.Name + " <" + p.Addr + ">"
}

// messageView is a message as it is read.
type messageView struct {
	UID         mail.UID
	URL         string
	Act         string
	Validity    uint32
	Folder      folder
	Back        string // the list
	Subject     string
	From        []person
	ReplyTo     []person // where it differs from From
	To, Cc      []person
	Date        time.Time // as the sender says
	Arrived     time.Time
	Seen        bool
	Flagged     bool
	Purge       bool
	Junk        bool
	Frame       string        // address of the HTML; "": it is text
	Text        template.HTML // of a text
	Cut         bool          // the text is longer
	Alt         string        // address of the other form; "": there is none
	AltText     bool          // that other form is text
	Blocked     int           // remote images that are not shown
	ShowImages  string        // address of the page with images
	Sender      string        // whom images can be shown from always
	Attachments []attachmentView
	Next, Prev  string
	Unsubscribe string
	OneClick    string // the host that is asked to send no more; "": none can be

	UnsubscribeMail string // address that begins a message to leave the list
	List            bool   // it came from a mailing list that can be written to

	Verdict *verdict
	Suspect *suspicion
	Links   []disguise

	Protection *protection // nil: it is neither signed nor encrypted
	inline     *parts.Leaf // the text that is signed where it stands; nil: there is none
	Thread     string      // address of the whole conversation
	Stranger   *person     // the sender, where no contact of the user's

	Conversation []row      // the other messages of it, the newest first
	Later        string     // address of the page with them, where they have not been looked for; "": they have
	Also         []mail.UID // those of them in the same folder
}

// uid returns the message that the path names.
func (q *request) uid() (mail.UID, error) { return parseUID(q.r.PathValue("uid")) }

// parseUID reads a UID of an address or a form.
func parseUID(s string) (mail.UID, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return 0, notFound
	}
	return mail.UID(n), nil
}

// message is one that has been fetched: what is known of it without its parts.
type message struct {
	*imapclient.Message
	header *mime.Header
}

// messageAt selects a folder and fetches the message in it that an address or a form names. What can be none is notFound.
func messageAt(ctx context.Context, c *imapclient.Client, folder, uid string) (*imapclient.Mailbox, *message, error) {
	u, err := parseUID(uid)
	if err != nil || folder == "" || !validFolder(folder) {
		return nil, nil, notFound
	}
	box, err := selectFolder(ctx, c, folder)
	if err != nil {
		return nil, nil, err
	}
	m, err := fetchMessage(ctx, c, u)
	return box, m, err
}

// fetchMessage fetches a message's structure and header.
func fetchMessage(ctx context.Context, c *imapclient.Client, uid mail.UID) (*message, error) {
	h := imap.Section{Spec: imap.SectionHeader}
	items := append(imapclient.Items(imap.FetchFlags, imap.FetchEnvelope, imap.FetchBodyStructure, imap.FetchInternalDate, imap.FetchSize), imapclient.Peek(h))
	m, err := c.FetchOne(ctx, uid, items...)
	if err != nil {
		return nil, err
	}
	raw, _ := m.Section(h)
	return &message{m, mime.ParseHeader(raw, nil)}, nil
}

// withMessage calls f with a message of the path.
func (q *request) withMessage(f func(ctx context.Context, c *imapclient.Client, box *imapclient.Mailbox, m *message) error) error {
	name, err := q.folder()
	if err != nil {
		return err
	}
	uid, err := q.uid()
	if err != nil {
		return err
	}
	return q.in(name, func(ctx context.Context, c *imapclient.Client, box *imapclient.Mailbox) error {
		m, err := fetchMessage(ctx, c, uid)
		if err != nil {
			return err
		}
		return f(ctx, c, box, m)
	})
}

// read shows a message, with the list beside it.
func (q *request) read() error {
	p := q.page("app")
	p.Wide, p.Message = true, true
	d := mailData{page: p}
	err := q.withMessage(func(ctx context.Context, c *imapclient.Client, box *imapclient.Mailbox, m *message) (err error) {
		p.Current = box.Name
		if err = q.addFolders(ctx, c, p); err != nil {
			return err
		}
		if d.List, err = q.listView(ctx, c, box, p, m.UID); err != nil {
			return err
		}
		if d.Msg, err = q.messageView(ctx, c, m, d.List); err != nil {
			return err
		}
		if err := q.addConversation(ctx, c, slices.Clone(p.Folders), d.Msg, m, d.List.row(m.UID)); err != nil {
			q.cfg.Log.Warn("webmail: conversation", "user", q.sess.User, "err", err) // the message itself is there
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.Title = d.Msg.Subject
	p.Done = q.doneView(q.r.URL.Query().Get("done"))
	return q.render(http.StatusOK, "mail", d)
}

// messageView makes what is shown of a message; l is the list around it.
func (q *request) messageView(ctx context.Context, c *imapclient.Client, m *message, l *listView) (*messageView, error) {
	v := &messageView{UID: m.UID, URL: messageURL(l.Folder.Name, m.UID), Act: l.Act, Validity: l.Validity, Folder: l.Folder, Purge: l.Purge,
		Junk: l.Folder.Use == mail.UseJunk, Back: l.Folder.URL(), Seen: m.Flags.Has(`\Seen`), Flagged: m.Flags.Has(`\Flagged`), Arrived: m.InternalDate}
	if l.Page > 1 {
		v.Back += "?p=" + strconv.Itoa(l.Page)
	}
	q.addHeader(v, m)
	for i, r := range l.Rows {
		if !r.Has(m.UID) {
			continue
		}
		if i > 0 {
			v.Prev = l.Rows[i-1].URL
		}
		if i+1 < len(l.Rows) {
			v.Next = l.Rows[i+1].URL
		}
	}
	if err := q.addBody(ctx, c, v, m); err != nil {
		return nil, err
	}
	return v, q.addProtection(ctx, c, v, m)
}

func (q *request) addHeader(v *messageView, m *message) {
	v.Subject = clean(decodeText(m.header.Get("Subject")), 1000)
	if v.Subject == "" {
		v.Subject = q.T("nosubject")
	}
	v.From, v.To, v.Cc = persons(m.header.Addresses("From")), persons(m.header.Addresses("To")), persons(m.header.Addresses("Cc"))
	v.Date = m.header.Date("Date")
	if reply := persons(m.header.Addresses("Reply-To")); len(reply) > 0 && (len(v.From) == 0 || !strings.EqualFold(reply[0].Addr, v.From[0].Addr)) {
		v.ReplyTo = reply
	}
	v.Stranger = q.stranger(v.From)
	for _, p := range v.From {
		if v.Suspect = suspect(p); v.Suspect != nil {
			break
		}
	}
	v.Verdict, v.Thread = findVerdict(m.header, q.cfg.AuthservID), conversation(m.header)
	list := m.header.List()
	for _, u := range list.Unsubscribe {
		switch l := strings.ToLower(u); {
		case v.Unsubscribe == "" && strings.HasPrefix(l, "https://"):
			v.Unsubscribe = u
		case v.UnsubscribeMail == "" && strings.HasPrefix(l, "mailto:"):
			v.UnsubscribeMail = "/compose?mailto=" + url.QueryEscape("mailto:"+u[len("mailto:"):])
		}
	}
	v.List = listAddress(m.header) != ""
	if u, err := url.Parse(oneClick(m.header, q.cfg.AuthservID)); err == nil && u.Host != "" {
		v.OneClick, v.Unsubscribe = clean(u.Hostname(), 255), ""
	}
	if v.Unsubscribe+v.OneClick != "" { // one way is enough
		v.UnsubscribeMail = ""
	}
}

// persons returns the mailboxes of a list, a hundred at most.
func persons(list []mime.Address) []person {
	var out []person
	for a := range mime.Mailboxes(list) {
		if len(out) >= 100 {
			break
		}
		out = append(out, person{clean(decodeText(a.Name), 200), clean(a.Addr(), 320)})
	}
	return out
}

// stranger returns a message's sender, when it is somebody whom the address book lacks.
func (q *request) stranger(from []person) *person {
	if len(from) != 1 {
		return nil
	}
	c := contacts.Contact{Name: from[0].Name, Emails: []string{from[0].Addr}}.Check()
	list, err := q.contacts()
	if err != nil || len(c.Emails) == 0 || slices.ContainsFunc(list, func(o contacts.Contact) bool { return o.Has(c) }) ||
		slices.ContainsFunc(q.identities(), func(i prefs.Identity) bool { return strings.EqualFold(i.Email, c.Email()) }) {
		return nil
	}
	return &person{c.Name, c.Email()}
}

// addBody adds the text, or where the HTML is, and the attachments.
func (q *request) addBody(ctx context.Context, c *imapclient.Client, v *messageView, m *message) error {
	html := q.r.URL.Query().Get("view") != "text"
	b := parts.Choose(m.Structure, html)
	isHTML := false
	for _, l := range b.Show {
		isHTML = isHTML || l.IsHTML()
	}
	if b.HasAlt {
		if v.AltText = isHTML; isHTML {
			v.Alt = v.URL + "?view=text"
		} else {
			v.Alt = v.URL
		}
	}
	var used []string
	switch {
	case isHTML:
		r, err := q.safeBody(ctx, c, m, b, v.URL)
		if err != nil {
			return err
		}
		used, v.Links = r.ContentIDs, disguises(r.HTML)
		q.addImages(v, r)
	default:
		texts, err := q.readTexts(ctx, c, m.UID, b.Show)
		if err != nil {
			return err
		}
		for _, t := range texts {
			if strings.HasPrefix(strings.TrimSpace(t.text), "-----BEGIN PGP MESSAGE-----") {
				v.Protection = &protection{Key: "sign.encrypted", Eml: true}
			}
			if v.inline == nil && pgpmime.IsCleartext([]byte(t.text)) {
				v.inline = &t.leaf
			}
			v.Text += safeText(t.text)
			v.Cut = v.Cut || t.cut
		}
	}
	q.addAttachments(v, b, used)
	return nil
}

// print shows a message by itself, for paper.
func (q *request) print() error {
	p := q.page("app")
	d := mailData{page: p}
	err := q.withMessage(func(ctx context.Context, c *imapclient.Client, box *imapclient.Mailbox, m *message) (err error) {
		l := &listView{Folder: folder{Name: box.Name}}
		d.Msg, err = q.messageView(ctx, c, m, l)
		return err
	})
	if err != nil {
		return err
	}
	p.Title = d.Msg.Subject
	return q.render(http.StatusOK, "print", d)
}
