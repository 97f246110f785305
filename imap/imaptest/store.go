package imaptest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
)

// Store is a [mail.Store] in memory. Accounts come into being when they are first opened. Use NewStore.
type Store struct {
	// Now is the clock; nil is time.Now. Set it before the store is used.
	Now func() time.Time
	// Quota is how many octets a new account may hold; 0: no limit. [mail.QuotaSetter] changes it. Set it before the store
	// is used.
	Quota int64
	// Fail, if not nil, is asked before each operation, by its name ("Append", "Commit", "OpenBody", …), and makes it
	// fail when it returns an error. Set it before the store is used.
	Fail func(operation string) error

	mu       sync.Mutex
	accounts map[string]*account
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{accounts: map[string]*account{}} }

// Account implements [mail.Store].
func (s *Store) Account(ctx context.Context, name string) (mail.Account, error) {
	if err := s.enter(ctx, "Account"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[name]
	if a == nil {
		a = &account{store: s, boxes: map[string]*box{}, subscribed: map[string]bool{}, tokens: map[string]token{}}
		a.boxes["INBOX"] = a.newBox("INBOX", nil)
		if s.Quota > 0 {
			a.limits = map[mail.QuotaKind]int64{mail.QuotaStorage: s.Quota}
		}
		s.accounts[name] = a
	}
	return a, nil
}

// enter is where every operation begins.
func (s *Store) enter(ctx context.Context, operation string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Fail != nil {
		return s.Fail(operation)
	}
	return nil
}

func (s *Store) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// account is one user's mailboxes. Its lock guards everything below it.
type account struct {
	store      *Store
	mu         sync.Mutex
	boxes      map[string]*box // by name
	subscribed map[string]bool
	size       int64
	serial     int // of mailboxes
	guids      int // of messages
	tokens     map[string]token
	limits     map[mail.QuotaKind]int64
	notes      notes
}

type token struct {
	done mail.Appended
	at   time.Time
}

// newBox makes a mailbox. UIDVALIDITY is another one for each, so that a name that is used again is told apart.
func (a *account) newBox(name string, use []mail.SpecialUse) *box {
	a.serial++
	return &box{account: a, name: name, id: mail.MailboxID(fmt.Sprintf("box-%d", a.serial)), use: use,
		validity: uint32(1000 + a.serial), uidNext: 1, modSeq: 1, watchers: map[*func()]struct{}{}}
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
	a.mu.Lock()
	defer a.mu.Unlock()
	infos := map[string]mail.MailboxInfo{}
	for name := range a.subscribed {
		infos[name] = mail.MailboxInfo{Name: name, NonExistent: true}
	}
	for name, b := range a.boxes {
		infos[name] = b.info()
	}
	for name := range a.boxes {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			parent := infos[name[:i]]
			if a.boxes[name[:i]] == nil {
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

func (a *account) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	name = canonical(name)
	if err := a.store.enter(ctx, "Open"); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.boxes[name]
	if b == nil {
		return nil, mail.ErrNoMailbox
	}
	return b, nil
}

func (a *account) Status(ctx context.Context, name string) (mail.State, error) {
	b, err := a.Open(ctx, name)
	if err != nil {
		return mail.State{}, err
	}
	return b.State(ctx)
}

func (a *account) Create(ctx context.Context, name string, opts *mail.CreateOptions) (mail.MailboxInfo, error) {
	name = canonical(name)
	if err := a.store.enter(ctx, "Create"); err != nil {
		return mail.MailboxInfo{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !validName(name) {
		return mail.MailboxInfo{}, mail.ErrBadName
	}
	if a.boxes[name] != nil {
		return mail.MailboxInfo{}, mail.ErrExists
	}
	var use []mail.SpecialUse
	if opts != nil {
		use = slices.Clone(opts.Use)
	}
	if err := a.room(mail.QuotaMailboxes, a.lacking(name)); err != nil {
		return mail.MailboxInfo{}, err
	}
	a.makeParents(name)
	b := a.newBox(name, use)
	a.boxes[name] = b
	return b.info(), nil
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
	name = canonical(name)
	if err := a.store.enter(ctx, "Delete"); err != nil {
		return err
	}
	a.mu.Lock()
	b := a.boxes[name]
	switch {
	case name == "INBOX":
		a.mu.Unlock()
		return mail.ErrBadName
	case b == nil:
		a.mu.Unlock()
		return mail.ErrNoMailbox
	}
	delete(a.boxes, name)
	b.deleted = true
	a.size -= b.size()
	a.mu.Unlock()
	b.wake()
	return nil
}

func (a *account) Rename(ctx context.Context, from, to string) error {
	from, to = canonical(from), canonical(to)
	if err := a.store.enter(ctx, "Rename"); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.boxes[from] == nil && !a.hasBelow(from):
		return mail.ErrNoMailbox
	case !validName(to) || strings.HasPrefix(to, from+"/"):
		return mail.ErrBadName
	case a.boxes[to] != nil || a.hasBelow(to):
		return mail.ErrExists
	}
	more := a.lacking(to)
	if from != "INBOX" {
		more-- // it only moves
	}
	if err := a.room(mail.QuotaMailboxes, more); err != nil {
		return err
	}
	a.makeParents(to)
	if from == "INBOX" {
		b := a.newBox(to, nil)
		a.boxes[to] = b
		a.boxes["INBOX"].moveTo(b, mail.AllUIDs(), true)
		return nil
	}
	for name, b := range maps.Clone(a.boxes) {
		if name == from || strings.HasPrefix(name, from+"/") {
			delete(a.boxes, name)
			b.name = to + name[len(from):]
			a.boxes[b.name] = b
		}
	}
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
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !validName(name):
		return mail.ErrBadName
	case on:
		a.subscribed[name] = true
	default:
		delete(a.subscribed, name)
	}
	return nil
}

func (a *account) Close() error { return nil }
