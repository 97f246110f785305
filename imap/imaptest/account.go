package imaptest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// account is one user's mailboxes, and the user's look at those of others. The store's lock guards it.
type account struct {
	store      *Store
	name       string          // "" for what is everybody's
	boxes      map[string]*box // its own, by name
	subscribed map[string]bool
	size       int64
	guids      int // of messages
	tokens     map[string]token
	limits     map[mail.QuotaKind]int64
	notes      notes
	urlKeys    map[mail.MailboxID][]byte
}

type token struct {
	done mail.Appended
	at   time.Time
}

// newBox makes a mailbox. UIDVALIDITY is another one for each, so that a name that is used again is told apart.
func (a *account) newBox(name string, use []mail.SpecialUse) *box {
	a.store.serial++
	n := a.store.serial
	b := &box{account: a, name: name, id: mail.MailboxID(fmt.Sprintf("box-%d", n)), use: use,
		validity: uint32(1000 + n), uidNext: 1, modSeq: 1, watchers: map[*func()]*view{}}
	b.acl = a.inherited(name)
	return b
}

func (a *account) Mailboxes(ctx context.Context) iter.Seq2[mail.MailboxInfo, error] {
	return func(yield func(mail.MailboxInfo, error) bool) {
		if err := a.store.enter(ctx, "Mailboxes"); err != nil {
			yield(mail.MailboxInfo{}, err)
			return
		}
		for _, info := range a.list() {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// list returns every name, those between a mailbox and the root too.
func (a *account) list() []mail.MailboxInfo {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	infos := map[string]mail.MailboxInfo{}
	for name := range a.subscribed {
		infos[name] = mail.MailboxInfo{Name: name, NonExistent: true}
	}
	seen := a.visible()
	for name, b := range seen {
		infos[name] = mail.MailboxInfo{ID: b.id, Name: name, Use: b.use}
	}
	for name := range seen {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			parent := infos[name[:i]]
			if seen[name[:i]] == nil {
				parent = mail.MailboxInfo{Name: name[:i], NoSelect: true}
			}
			parent.HasChildren = true
			infos[name[:i]] = parent
		}
	}
	out := slices.Collect(maps.Values(infos))
	for i := range out {
		out[i].Subscribed = a.subscribed[out[i].Name]
	}
	slices.SortFunc(out, func(x, y mail.MailboxInfo) int {
		switch {
		case x.Name == "INBOX":
			return -1
		case y.Name == "INBOX":
			return 1
		}
		return cmp.Compare(x.Name, y.Name)
	})
	return out
}

// openRights are those of which one is needed to open a mailbox.
const openRights = mail.RightRead | mail.RightInsert | mail.RightPost | mail.RightAdmin

func (a *account) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	if err := a.store.enter(ctx, "Open"); err != nil {
		return nil, err
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	b, r, err := a.find(name)
	switch {
	case err != nil:
		return nil, err
	case r&openRights == 0:
		return nil, mail.ErrPermission
	}
	v := &view{b, a}
	if a.store.TextSearch {
		return textView{v}, nil
	}
	return v, nil
}

func (a *account) Status(ctx context.Context, name string) (mail.State, error) {
	b, err := a.Open(ctx, name)
	if err != nil {
		return mail.State{}, err
	}
	return b.State(ctx)
}

func (a *account) Create(ctx context.Context, name string, opts *mail.CreateOptions) (mail.MailboxInfo, error) {
	if err := a.store.enter(ctx, "Create"); err != nil {
		return mail.MailboxInfo{}, err
	}
	a.store.mu.Lock()
	if !validName(name) {
		a.store.mu.Unlock()
		return mail.MailboxInfo{}, mail.ErrBadName
	}
	t, local, err := a.place(name)
	switch {
	case err != nil:
	case t.boxes[local] != nil:
		err = mail.ErrExists
	default:
		err = t.room(mail.QuotaMailboxes, t.lacking(local))
	}
	if err != nil {
		a.store.mu.Unlock()
		return mail.MailboxInfo{}, err
	}
	var use []mail.SpecialUse
	if opts != nil {
		use = slices.Clone(opts.Use)
	}
	t.makeParents(local)
	b := t.newBox(local, use)
	t.boxes[local] = b
	info := mail.MailboxInfo{ID: b.id, Name: a.title(b), Use: use}
	a.store.mu.Unlock()
	b.wake()
	return info, nil
}

func (a *account) makeParents(name string) {
	for i := range len(name) {
		if name[i] == '/' && a.boxes[name[:i]] == nil {
			a.boxes[name[:i]] = a.newBox(name[:i], nil)
		}
	}
}

// lacking counts the mailboxes that there would be more with name and its parents.
func (a *account) lacking(name string) (n int64) {
	for i := range len(name) {
		if name[i] == '/' && a.boxes[name[:i]] == nil {
			n++
		}
	}
	if a.boxes[name] == nil {
		n++
	}
	return n
}

// canonical spells INBOX as it is spelled (RFC 9051 section 5.1).
func canonical(name string) string {
	if len(name) >= 5 && strings.EqualFold(name[:5], "INBOX") && (len(name) == 5 || name[5] == '/') {
		return "INBOX" + name[5:]
	}
	return name
}

// validName reports whether name can be a mailbox's.
func validName(name string) bool {
	if name == "" || len(name) > 1000 {
		return false
	}
	for level := range strings.SplitSeq(name, "/") {
		if level == "" {
			return false
		}
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}

func (a *account) Delete(ctx context.Context, name string) error {
	if err := a.store.enter(ctx, "Delete"); err != nil {
		return err
	}
	a.store.mu.Lock()
	b, r, err := a.find(name)
	switch {
	case err != nil:
	case !r.Has(mail.RightDeleteBox):
		err = mail.ErrPermission
	case b.name == "INBOX":
		err = mail.ErrBadName
	}
	if err != nil {
		a.store.mu.Unlock()
		return err
	}
	delete(b.account.boxes, b.name)
	b.deleted = true
	b.account.size -= b.size()
	a.store.mu.Unlock()
	b.wake()
	return nil
}

func (a *account) hasBelow(name string) bool {
	for other := range a.boxes {
		if strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}

func (a *account) Subscribe(ctx context.Context, name string, on bool) error {
	name = canonical(name)
	if err := a.store.enter(ctx, "Subscribe"); err != nil {
		return err
	}
	a.store.mu.Lock()
	if !validName(name) {
		a.store.mu.Unlock()
		return mail.ErrBadName
	}
	if on {
		a.subscribed[name] = true
	} else {
		delete(a.subscribed, name)
	}
	wake := a.store.wakers(func(w *account) bool { return w == a })
	a.store.mu.Unlock()
	wake()
	return nil
}

func (a *account) Close() error { return nil }
