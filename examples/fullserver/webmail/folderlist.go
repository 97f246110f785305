package webmail

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// countsCache remembers the folders of a server that must be asked for each one's counters by itself.
type countsCache struct {
	list  []folder
	until time.Time
	lang  i18n.Lang // of the labels
}

// listFolders returns the folders in the order in which they are shown: INBOX, those with a purpose, the others by name.
func (q *request) listFolders(ctx context.Context, c *imapclient.Client) ([]folder, error) {
	slow := !c.Has(imap.CapListStatus)
	if slow {
		q.acc.mu.Lock()
		cached := q.acc.counts
		q.acc.mu.Unlock()
		if q.cfg.Now().Before(cached.until) && cached.lang == q.lang {
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
		q.acc.counts = countsCache{out, q.cfg.Now().Add(time.Minute), q.lang}
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
	if _, err := c.Create(ctx, name, use); err != nil && imapclient.CodeOf(err) != imap.CodeAlreadyExists { // somebody else may have just made it
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
