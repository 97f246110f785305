package webmail

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
)

// pageSize is how many messages a page of the list has.
const pageSize = 50

// row is a message in the list.
type row struct {
	UID      mail.UID
	Folder   string // shown in results of several folders; "" else
	URL      string
	Who      string
	WhoTitle string // the addresses
	Subject  string
	Preview  string
	Date     time.Time
	Size     int64
	Seen     bool
	Flagged  bool
	Answered bool
	Forward  bool
	Draft    bool
	Attach   bool
	Open     bool // it is what is read

	MessageID string
	Sent      time.Time  // as the sender says; zero where he says nothing
	Thread    string     // the conversation's name; "" for none
	Also      []mail.UID // older messages of it that the row stands for
	Others    bool       // some of those are unread
}

// listView is the list of a page.
type listView struct {
	Rows     []row
	Folder   folder
	Validity uint32
	Total    int
	First    int // position of the first message, from 1
	Count    int // how many messages the page has; rows may stand for several
	Page     int
	Older    string // address of the next page; "": there is none
	Newer    string
	Act      string // where its form goes
	Purge    bool   // deleting here is for good
}

// Last returns the position of the last message.
func (l *listView) Last() int { return l.First + l.Count - 1 }

// row returns the row that stands for a message; nil for none.
func (l *listView) row(uid mail.UID) *row {
	for i := range l.Rows {
		if l.Rows[i].Has(uid) {
			return &l.Rows[i]
		}
	}
	return nil
}

type mailData struct {
	*page
	List *listView
	Msg  *messageView
}

// list shows a page of a folder.
func (q *request) list() error {
	name, err := q.folder()
	if err != nil {
		return err
	}
	p := q.page("app")
	p.Wide, p.Current = true, name
	d := mailData{page: p}
	err = q.in(name, func(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox) error {
		if err := q.addFolders(ctx, c, p); err != nil {
			return err
		}
		d.List, err = q.listView(ctx, c, m, p, 0)
		return err
	})
	if err != nil {
		return err
	}
	p.Title = d.List.Folder.Label
	p.Done = q.doneView(q.r.URL.Query().Get("done"))
	return q.render(http.StatusOK, "mail", d)
}

// pageNumber returns which page is asked for, from 1.
func (q *request) pageNumber() int {
	n, err := strconv.Atoi(q.r.URL.Query().Get("p"))
	if err != nil {
		return 1
	}
	return min(max(n, 1), 1<<24)
}

// listView reads a page of the selected folder: the messages at some sequence numbers, so that it costs the same however many there are.
func (q *request) listView(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox, p *page, open mail.UID) (*listView, error) {
	l := &listView{Page: q.pageNumber(), Total: int(m.Messages), Validity: m.UIDValidity, Folder: folder{Name: m.Name, Label: m.Name}}
	for i := range p.Folders {
		if f := &p.Folders[i]; f.Name == m.Name {
			l.Folder = *f
			f.Total = l.Total
		}
	}
	l.Act = l.Folder.URL() + "/act"
	l.Purge = l.Folder.Use == mail.UseTrash || l.Folder.Use == mail.UseJunk
	last := l.Total - (l.Page-1)*pageSize
	if last < 1 && l.Page > 1 {
		l.Page, last = 1, l.Total
	}
	l.First = (l.Page-1)*pageSize + 1
	if last < 1 {
		l.First = 0
		return l, nil
	}
	first := max(1, last-pageSize+1)
	var seqs imap.SeqSet
	seqs.AddRange(uint32(first), uint32(last))
	rows, err := q.rows(ctx, c, imapclient.Seqs(seqs), l.Folder)
	if err != nil {
		return nil, err
	}
	if l.Count = len(rows); !q.prefs.NoThreads {
		rows = inThreads(rows)
	}
	for i := range rows {
		rows[i].Open = rows[i].Has(open)
		if l.Page > 1 {
			rows[i].URL += "?p=" + strconv.Itoa(l.Page)
		}
	}
	l.Rows = rows
	link := func(n int) string {
		if n == 1 {
			return l.Folder.URL()
		}
		return l.Folder.URL() + "?p=" + strconv.Itoa(n)
	}
	if first > 1 {
		l.Older = link(l.Page + 1)
	}
	if l.Page > 1 {
		l.Newer = link(l.Page - 1)
	}
	return l, nil
}

// rows fetches what the list shows of messages, the newest first.
func (q *request) rows(ctx context.Context, c *imapclient.Client, set imapclient.Set, f folder) ([]row, error) {
	items := imapclient.Items(imap.FetchFlags, imap.FetchEnvelope, imap.FetchBodyStructure, imap.FetchInternalDate, imap.FetchSize)
	if c.Has(imap.CapPreview) {
		items = append(items, imap.FetchItem{Att: imap.FetchPreview})
	}
	if !q.prefs.NoThreads {
		items = append(items, threadItem(c))
	}
	var out []row
	for msg, err := range c.Fetch(ctx, set, &imapclient.FetchOptions{Items: items}) {
		if err != nil {
			return nil, err
		}
		if len(out) < 10*pageSize {
			out = append(out, q.row(msg, f))
		}
	}
	slices.Reverse(out)
	return out, nil
}

func (q *request) row(msg *imapclient.Message, f folder) row {
	r := row{UID: msg.UID, URL: messageURL(f.Name, msg.UID), Date: msg.InternalDate, Size: msg.Size, Preview: clean(msg.Preview, 200),
		Seen: msg.Flags.Has(`\Seen`), Flagged: msg.Flags.Has(`\Flagged`), Answered: msg.Flags.Has(`\Answered`), Forward: msg.Flags.Has("$Forwarded"),
		Draft: msg.Flags.Has(`\Draft`) || f.Use == mail.UseDrafts, Thread: threadOf(msg)}
	if r.Draft {
		r.URL = "/compose?draft=" + strconv.FormatUint(uint64(r.UID), 10) + "&folder=" + url.QueryEscape(f.Name)
	}
	if e := msg.Envelope; e != nil {
		r.Sent, _ = mime.ParseDate(e.Date.Value)
		r.Subject, r.MessageID = clean(decodeText(e.Subject.Value), 300), strings.Trim(e.MessageID.Value, "<> ")
		who := e.From
		if f.Use == mail.UseSent || r.Draft {
			who = e.To
		}
		r.Who, r.WhoTitle = people(who)
	}
	if r.Subject == "" {
		r.Subject = q.T("nosubject")
	}
	if r.Who == "" {
		r.Who = q.T("nobody")
	}
	for _, l := range parts.Choose(msg.Structure, true).Rest {
		if l.ContentID() == "" || l.Disposition != nil && l.Disposition.Type == "attachment" {
			r.Attach = true
		}
	}
	return r
}

func messageURL(folder string, uid mail.UID) string {
	return folderURL(folder) + "/" + strconv.FormatUint(uint64(uid), 10)
}

// decodeText decodes the encoded words of a header field.
func decodeText(s string) string {
	d := mime.TextDecoder{CharsetReader: charset.NewReader}
	return d.Decode(s)
}

// clean makes text of a stranger one line of at most so many characters, without what would turn its direction or hide.
func clean(s string, most int) string {
	n := 0
	s = strings.Map(func(r rune) rune {
		if n++; n > most {
			return -1
		}
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0xfeff:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.TrimSpace(s)
}

// people returns names for the list, and their addresses.
func people(list []mime.Address) (names, addresses string) {
	var n, a []string
	for m := range mime.Mailboxes(list) {
		if len(n) >= 5 {
			n = append(n, "…")
			break
		}
		name := clean(decodeText(m.Name), 80)
		if name == "" {
			name = clean(m.Addr(), 120)
		}
		n, a = append(n, name), append(a, clean(m.Addr(), 320))
	}
	return strings.Join(n, ", "), strings.Join(a, ", ")
}
