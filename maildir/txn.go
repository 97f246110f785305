package maildir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

const osRDWR = os.O_RDWR

const (
	uidListName = "dovecot-uidlist"

	courierListName = "courierimapuiddb"

	keywordsName = "dovecot-keywords"
)

// txn is a commit in the making. It sees the mailbox's state with its own changes over it; nobody else sees those.
type txn struct {
	b    *box
	st   *state
	ctx  context.Context
	recs []record
	head head

	adds []added
	over map[uint32]msg    // messages of st as this commit changes them
	odds map[uint32]string // their odd file names, "" for none
	dead map[uint32]bool   // messages that it removes

	keywords []string
	kwDirty  bool

	lines    []byte // for the end of the UID list
	nlines   int
	rewrite  bool // write the UID list anew
	snapshot bool // write the log anew
	newNames bool // names in new changed
	curNames bool
	syncNew  bool // and must be synced
	syncCur  bool
	nloose   int
	doomed   bool // the log was told that messages go

	uids   *dotLock
	synced bool     // what others did has been taken in, up to the list
	list   *uidList // read under uids when it had changed
	seen   stamps   // what will be the box's
	fresh  bool     // there was no index: \Recent is to be found out
	begun  bool     // the mailbox has just got its UIDVALIDITY
	old    int      // how many of adds were there before the index
	cache  []byte   // for the end of the cache file

	meter   *meter // of the account's quota; nil while nothing came or went, and where nobody counts
	metered bool
	held    *maildirsize.Amount // what st holds, once asked for

	undo  []func()
	after []func() // once it is durable
}

type added struct {
	m    msg
	name string
	guid string
}

func (b *box) begin(ctx context.Context) *txn {
	return &txn{b: b, st: b.st, ctx: ctx, head: b.st.head, keywords: b.st.keywords, seen: b.seen, over: map[uint32]msg{}, odds: map[uint32]string{}, dead: map[uint32]bool{}}
}

// expect makes room for changes of n messages.
func (t *txn) expect(n int) {
	t.recs, t.undo = slices.Grow(t.recs, n), slices.Grow(t.undo, 2*n)
	if len(t.over) == 0 {
		t.over = make(map[uint32]msg, n)
	}
}

// mark is a place that a transaction can go back to.
type mark struct {
	recs, adds, undo, after int
	lines, nlines, cache    int
	nloose                  int
	high                    uint64
	firstRecent             uint32
	meter                   meterMark
}

func (t *txn) mark() mark {
	return mark{len(t.recs), len(t.adds), len(t.undo), len(t.after), len(t.lines), t.nlines, len(t.cache), t.nloose, t.head.high, t.head.firstRecent, t.meter.mark()}
}

// rollback undoes everything since at. UIDs that were given meanwhile are lost for ever, which is allowed.
func (t *txn) rollback(at mark) {
	for i := len(t.undo) - 1; i >= at.undo; i-- {
		t.undo[i]()
	}
	t.meter.rollback(at.meter)
	t.undo, t.recs, t.adds, t.after = t.undo[:at.undo], t.recs[:at.recs], t.adds[:at.adds], t.after[:at.after]
	t.lines, t.nlines, t.cache = t.lines[:at.lines], at.nlines, t.cache[:at.cache]
	t.nloose = at.nloose
	if at.high != 0 {
		t.head.high, t.head.firstRecent = at.high, at.firstRecent
	}
}

func (t *txn) close() {
	if t.uids != nil {
		if err := t.uids.Close(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.b.s.logger().Warn("can't remove lock", "dir", t.b.dir, "error", err)
		}
	}
}

// bump returns the ModSeq of the next change.
func (t *txn) bump() uint64 {
	t.head.high++
	return t.head.high
}

// msg returns a message as this transaction sees it.
func (t *txn) msg(uid uint32) (msg, bool) {
	if t.dead[uid] {
		return msg{}, false
	}
	if m, ok := t.over[uid]; ok {
		return m, true
	}
	if m, ok := t.st.get(uid); ok {
		return m, true
	}
	if i, ok := t.added(uid); ok {
		return t.adds[i].m, true
	}
	return msg{}, false
}

func (t *txn) added(uid uint32) (int, bool) {
	return slices.BinarySearchFunc(t.adds, uid, func(a added, uid uint32) int { return cmp.Compare(a.m.uid, uid) })
}

// base returns the base name of a message that msg has returned.
func (t *txn) base(m *msg) string {
	if b, s := t.st.find(m.uid); s != nil {
		return t.st.base(b, s)
	}
	if i, ok := t.added(m.uid); ok {
		return t.adds[i].name
	}
	return ""
}

// selected returns the UIDs of set that have messages, ascending.
func (t *txn) selected(set mail.UIDSet) []uint32 {
	var out []uint32
	for _, r := range set.Ranges() {
		for _, s := range t.st.in(mail.UIDRangeSet(r.First, r.Last)) {
			if !t.dead[s.uid] {
				out = append(out, s.uid)
			}
		}
		for i := range t.adds {
			if uid := t.adds[i].m.uid; uid >= uint32(r.First) && uid <= uint32(r.Last) && !t.dead[uid] {
				out = append(out, uid)
			}
		}
	}
	return out
}

// give adds a message under the next UID.
func (t *txn) give(m msg, base, guid string) (uint32, error) {
	if t.head.next == uint32(mail.MaxUID) {
		return 0, fmt.Errorf("%w: no UIDs are left", mail.ErrLimit)
	}
	m.uid = t.head.next
	t.head.next++
	t.add(m, base, guid)
	t.lines = appendUIDEntry(t.lines, m.uid, guid, "", base)
	t.nlines++
	return m.uid, nil
}

// add adds a message that has its UID.
func (t *txn) add(m msg, base, guid string) {
	t.adds = append(t.adds, added{m, base, guid})
	t.recs = append(t.recs, record{kind: recAdd, m: m, name: base, guid: guid})
}

// change puts other flags or another place on a message.
func (t *txn) change(m msg) {
	uid := m.uid
	if i, ok := t.added(uid); ok {
		was := t.adds[i].m
		t.adds[i].m = m
		t.undo = append(t.undo, func() {
			if i < len(t.adds) {
				t.adds[i].m = was
			}
		})
	} else {
		was, had := t.over[uid]
		t.over[uid] = m
		t.undo = append(t.undo, func() {
			if had {
				t.over[uid] = was
			} else {
				delete(t.over, uid)
			}
		})
	}
	t.setOdd(uid, "")
	t.recs = append(t.recs, record{kind: recFlags, m: m})
}

func (t *txn) setOdd(uid uint32, name string) {
	was, had := t.odds[uid]
	if name == "" && !had && t.st.odd[uid] == "" {
		return // it has none
	}
	t.odds[uid] = name
	t.undo = append(t.undo, func() {
		if had {
			t.odds[uid] = was
		} else {
			delete(t.odds, uid)
		}
	})
}

// name notes the name of a file when it isn't the one that its flags give.
func (t *txn) name(base string, m *msg, name string) {
	if fileName(base, m.where, m.sys, m.kw, "") != name {
		t.setOdd(m.uid, name)
		t.recs = append(t.recs, record{kind: recOdd, m: msg{uid: m.uid}, name: name})
	}
}

// fileName returns the name of a message's file within new or cur.
func (t *txn) fileName(m *msg) string {
	if name, ok := t.odds[m.uid]; ok {
		if name != "" {
			return name
		}
		return fileName(t.base(m), m.where, m.sys, m.kw, "")
	}
	if odd := t.st.odd[m.uid]; odd != "" {
		return odd
	}
	return fileName(t.base(m), m.where, m.sys, m.kw, "")
}

// path returns where a message's file is.
func (t *txn) path(m *msg) string { return t.b.dir + "/" + whereDir(m.where) + "/" + t.fileName(m) }

// remove takes messages away.
func (t *txn) remove(uids []uint32, modseq uint64) {
	set := mail.UIDSet{}
	for _, uid := range uids {
		t.dead[uid] = true
		set.Add(mail.UID(uid))
	}
	t.undo = append(t.undo, func() {
		for _, uid := range uids {
			delete(t.dead, uid)
		}
	})
	for _, r := range set.Ranges() {
		t.recs = append(t.recs, record{kind: recGone, m: msg{modseq: modseq}, first: uint32(r.First), last: uint32(r.Last)})
	}
}

// touch notes in which folders names have changed.
func (t *txn) touch(where uint8, sync bool) {
	if where == inNew {
		t.newNames, t.syncNew = true, t.syncNew || sync
	} else {
		t.curNames, t.syncCur = true, t.syncCur || sync
	}
}

func whereDir(where uint8) string {
	if where == inNew {
		return "new"
	}
	return "cur"
}
