package webmail

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// folder is a mailbox as the pages show it.
type folder struct {
	Name       string
	Label      string
	Depth      int
	Use        mail.SpecialUse // "": none
	Unseen     int
	Total      int
	Selectable bool
	Delimiter  string
	Subscribed bool
}

// URL returns the folder's address.
func (f folder) URL() string { return folderURL(f.Name) }

// Inbox reports whether it is the INBOX.
func (f folder) Inbox() bool { return f.Name == "INBOX" }

// System reports whether it can't be renamed or deleted here.
func (f folder) System() bool { return f.Inbox() || f.Use != "" }

// Key returns the letter behind "g" that goes to the folder.
func (f folder) Key() string {
	switch {
	case f.Inbox():
		return "i"
	case f.Use == mail.UseSent:
		return "s"
	case f.Use == mail.UseDrafts:
		return "d"
	}
	return ""
}

// folderURL writes a folder's address. What could be taken for a part of the path is written as "~" and two hexadecimal digits.
func folderURL(name string) string { return "/mail/" + url.PathEscape(escapeFolder(name)) }

const hexDigits = "0123456789ABCDEF"

func escapeFolder(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c == '/' || c == '.' || c == '~' || c == '\\' || c <= ' ' || c == 0x7f || c == '?' || c == '#' || c == '%':
			b.WriteByte('~')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescapeFolder reads what escapeFolder wrote. There is one way to write each name.
func unescapeFolder(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '~' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	name := b.String()
	return name, name != "" && validFolder(name) && escapeFolder(name) == s
}

// validFolder reports whether a name can be sent at all.
func validFolder(name string) bool {
	return len(name) <= 1000 && strings.ToValidUTF8(name, "") == name && !strings.ContainsAny(name, "\r\n\x00")
}

// folder returns the folder that the path names.
func (q *request) folder() (string, error) {
	name, ok := unescapeFolder(q.r.PathValue("folder"))
	if !ok {
		return "", notFound
	}
	return name, nil
}

// countsCache remembers the folders of a server that must be asked for each one's counters by itself.
type countsCache struct {
	list  []folder
	until time.Time
}

// listFolders returns the folders in the order in which they are shown: INBOX, those with a purpose, the others by name.
func (q *request) listFolders(ctx context.Context, c *imapclient.Client) ([]folder, error) {
	slow := !c.Has(imap.CapListStatus)
	if slow {
		q.acc.mu.Lock()
		cached := q.acc.counts
		q.acc.mu.Unlock()
		if q.cfg.Now().Before(cached.until) {
			return cached.list, nil
		}
	}
	var out []folder
	for l, err := range c.List(ctx, &imapclient.ListOptions{Status: imap.StatusMessages | imap.StatusUnseen}) {
		if err != nil {
			return nil, err
		}
		if len(out) >= maxFolders {
			break
		}
		out = append(out, q.newFolder(l))
	}
	q.guessUses(out)
	slices.SortStableFunc(out, func(a, b folder) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(sortName(a), sortName(b))
	})
	if slow {
		q.acc.mu.Lock()
		q.acc.counts = countsCache{out, q.cfg.Now().Add(time.Minute)}
		q.acc.mu.Unlock()
	}
	return out, nil
}

// maxFolders is how many folders are shown.
const maxFolders = 5000

func (q *request) newFolder(l *imap.ListData) folder {
	f := folder{Name: l.Name, Label: l.Name, Selectable: l.Selectable()}
	if strings.EqualFold(f.Name, "INBOX") {
		f.Name = "INBOX"
	}
	if l.Delimiter != 0 {
		f.Delimiter = string(l.Delimiter)
		levels := strings.Split(f.Name, f.Delimiter)
		f.Label, f.Depth = levels[len(levels)-1], min(len(levels)-1, 6)
	}
	if uses := l.Use(); len(uses) > 0 {
		f.Use = uses[0]
	}
	if l.Status != nil {
		f.Unseen, f.Total = int(l.Status.Unseen), int(l.Status.Messages)
	}
	return f
}

// purposes are the uses that the pages know, in their order, with the names that folders for them have where the server doesn't say.
func purposes() []struct {
	use   mail.SpecialUse
	key   string
	names []string
} {
	return []struct {
		use   mail.SpecialUse
		key   string
		names []string
	}{
		{mail.UseDrafts, "folder.drafts", []string{"drafts"}},
		{mail.UseSent, "folder.sent", []string{"sent", "sent items", "sent messages"}},
		{mail.UseArchive, "folder.archive", []string{"archive", "archives"}},
		{mail.UseJunk, "folder.junk", []string{"junk", "spam", "junk e-mail"}},
		{mail.UseTrash, "folder.trash", []string{"trash", "deleted items", "deleted messages"}},
	}
}

// guessUses gives folders with well-known names their purpose, where no other has it, and all of these their names in the user's language.
func (q *request) guessUses(list []folder) {
	for _, p := range purposes() {
		has := slices.ContainsFunc(list, func(f folder) bool { return f.Use == p.use })
		for i := range list {
			f := &list[i]
			if !has && f.Use == "" && slices.Contains(p.names, strings.ToLower(f.Label)) && (f.Depth == 0 || strings.HasPrefix(f.Name, "INBOX"+f.Delimiter)) {
				f.Use, has = p.use, true
			}
			if f.Use == p.use {
				f.Label = q.T(p.key)
				if p.use != mail.UseArchive && p.use != mail.UseJunk {
					f.Unseen = 0 // nobody waits to read what he has written or thrown away
				}
			}
		}
	}
	for i := range list {
		if list[i].Inbox() {
			list[i].Label = q.T("folder.inbox")
		}
	}
}

func rank(f folder) int {
	if f.Inbox() {
		return 0
	}
	for i, p := range purposes() {
		if f.Use == p.use && (f.Depth == 0 || f.Depth == 1 && strings.HasPrefix(f.Name, "INBOX"+f.Delimiter)) {
			return 1 + i
		}
	}
	return 100
}

// sortName compares level by level.
func sortName(f folder) string {
	if f.Delimiter == "" {
		return strings.ToLower(f.Name)
	}
	return strings.ToLower(strings.ReplaceAll(f.Name, f.Delimiter, "\x01"))
}

// byUse returns the folder for a purpose.
func byUse(list []folder, use mail.SpecialUse) (folder, bool) {
	i := slices.IndexFunc(list, func(f folder) bool { return f.Use == use && f.Selectable })
	if i < 0 {
		return folder{}, false
	}
	return list[i], true
}

// ensureUse returns the name of the folder for a purpose, which is made if there is none.
func (q *request) ensureUse(ctx context.Context, c *imapclient.Client, use mail.SpecialUse) (string, error) {
	list, err := q.listFolders(ctx, c)
	if err != nil {
		return "", err
	}
	if f, ok := byUse(list, use); ok {
		return f.Name, nil
	}
	name := personalPrefix(ctx, c) + strings.TrimPrefix(string(use), `\`)
	if _, err := c.Create(ctx, name, use); err != nil {
		return "", err
	}
	_ = c.Subscribe(ctx, name) // it is there without, too
	q.forgetCounts()
	return name, nil
}

// personalPrefix returns what the names of the user's own folders begin with: "INBOX." at servers that keep all of them there (RFC 2342).
func personalPrefix(ctx context.Context, c *imapclient.Client) string {
	list, err := c.Namespaces(ctx)
	if err != nil {
		return ""
	}
	for _, n := range list {
		if n.Kind == mail.PersonalNamespace {
			return n.Prefix
		}
	}
	return ""
}

func (q *request) forgetCounts() {
	q.acc.mu.Lock()
	q.acc.counts = countsCache{}
	q.acc.mu.Unlock()
}

type quota struct {
	Used, Limit int64
	Percent     int
}

// loadQuota returns how full the storage is, nil where it has no limit.
func loadQuota(ctx context.Context, c *imapclient.Client) *quota {
	if !c.Has("QUOTA") {
		return nil
	}
	roots, err := c.QuotaRoots(ctx, "INBOX")
	if err != nil {
		return nil // it is an ornament
	}
	for _, r := range roots {
		for _, res := range r.Resources {
			if res.Kind == mail.QuotaStorage && res.Limit > 0 {
				return &quota{res.Used, res.Limit, int(min(100, res.Used*100/res.Limit))}
			}
		}
	}
	return nil
}

// addFolders fills in what the folder pane shows.
func (q *request) addFolders(ctx context.Context, c *imapclient.Client, p *page) (err error) {
	if p.Folders, err = q.listFolders(ctx, c); err == nil {
		p.Quota = loadQuota(ctx, c)
	}
	return err
}

// pageWithFolders makes a page that needs nothing of the server but the folders.
func (q *request) pageWithFolders(title string) (*page, error) {
	p := q.page(title)
	return p, q.do(func(ctx context.Context, c *imapclient.Client) error { return q.addFolders(ctx, c, p) })
}

// foldersPage lets folders be made, renamed, deleted and subscribed.
func (q *request) foldersPage() error {
	p := q.page("folders.title")
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		if err := q.addFolders(ctx, c, p); err != nil {
			return err
		}
		for l, err := range c.List(ctx, &imapclient.ListOptions{Subscribed: true}) {
			if err != nil {
				return err
			}
			for i := range p.Folders {
				if p.Folders[i].Name == l.Name || p.Folders[i].Inbox() && strings.EqualFold(l.Name, "INBOX") {
					p.Folders[i].Subscribed = true
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "folders", struct{ *page }{p})
}

// changeFolder does what a form of the folders page asks for.
func (q *request) changeFolder() error {
	name, to := q.r.PostFormValue("folder"), strings.TrimSpace(q.r.PostFormValue("to"))
	if !validFolder(name) || !validFolder(to) {
		return badRequest
	}
	defer q.forgetCounts()
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		list, err := q.listFolders(ctx, c)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(f folder) bool { return f.Name == name })
		do := q.r.PostFormValue("do")
		if do != "create" && i < 0 || (do == "create" || do == "rename") && to == "" {
			return badRequest
		}
		switch do {
		case "create":
			if prefix := personalPrefix(ctx, c); i >= 0 && list[i].Delimiter != "" {
				to = name + list[i].Delimiter + to
			} else if !strings.HasPrefix(to, prefix) {
				to = prefix + to
			}
			if _, err = c.Create(ctx, to); err == nil {
				err = c.Subscribe(ctx, to)
			}
			return err
		case "subscribe":
			return c.Subscribe(ctx, name)
		case "unsubscribe":
			return c.Unsubscribe(ctx, name)
		}
		if list[i].System() {
			return badRequest
		}
		switch do {
		case "rename":
			if d := list[i].Delimiter; d != "" && !strings.Contains(to, d) {
				if k := strings.LastIndex(name, d); k >= 0 {
					to = name[:k] + d + to
				}
			}
			if err = c.Rename(ctx, name, to); err == nil {
				_ = c.Unsubscribe(ctx, name) // RENAME leaves subscriptions alone (RFC 9051 section 6.3.6)
				err = c.Subscribe(ctx, to)
			}
			return err
		case "delete":
			if q.r.PostFormValue("sure") != "yes" {
				return &failure{status: http.StatusBadRequest, key: "folders.sure"}
			}
			if err = c.Delete(ctx, name); err == nil {
				_ = c.Unsubscribe(ctx, name)
			}
			return err
		}
		return badRequest
	})
	if err != nil {
		return err
	}
	return q.redirect("/folders")
}
