package maildir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// copied is a message on its way from one mailbox to another.
type copied struct {
	m     msg
	base  string
	name  string // file name in new or cur
	guid  string
	flags mail.Flags
	index []byte
}

// Copy implements mail.Mailbox. The copy is a hard link: content is immutable.
func (m *mailbox) Copy(ctx context.Context, set mail.UIDSet, to mail.MailboxID, opts *mail.CopyOptions) (mail.UIDMap, error) {
	if err := ctx.Err(); err != nil {
		return mail.UIDMap{}, err
	}
	target, err := m.a.byID(ctx, to)
	if err != nil {
		return mail.UIDMap{}, err
	}
	defer m.sh.release(m.s, target)
	return m.copyTo(ctx, set, target, opts != nil && opts.Move, nil)
}

// copyTo copies or moves to a mailbox, which may be in another account's tree. change, when it is not nil, may give the copies
// other flags.
func (m *mailbox) copyTo(ctx context.Context, set mail.UIDSet, target *box, move bool, change func([]copied)) (mail.UIDMap, error) {
	if change == nil {
		change = func([]copied) {}
	}
	if move {
		return m.move(ctx, set, target, change)
	}
	var out mail.UIDMap
	var err error
	if target == m.b {
		err = m.do(ctx, func(t *txn) (err error) {
			from := t.pick(t.selected(set))
			change(from)
			out, _, err = t.take(from, t.b.dir, nil)
			return err
		})
	} else {
		if err := m.b.refresh(ctx); err != nil {
			return out, err
		}
		var from []copied
		dir := m.b.folder()
		err = m.view(ctx, func(st *state) {
			for b, s := range st.in(set) {
				from = append(from, st.copied(b, s))
			}
		})
		if err != nil {
			return out, err
		}
		m.readIndexes(from)
		change(from)
		err = target.do(ctx, func(t *txn) (err error) {
			out, _, err = t.take(from, dir, nil)
			return err
		})
	}
	if err != nil {
		return mail.UIDMap{}, err
	}
	return out, nil
}

// move copies and removes while nobody else can change this mailbox, so that two who move the same message don't double it.
func (m *mailbox) move(ctx context.Context, set mail.UIDSet, target *box, change func([]copied)) (mail.UIDMap, error) {
	trees := []*tree{m.b.tree}
	if target.tree != m.b.tree {
		trees = append(trees, target.tree)
		slices.SortFunc(trees, func(a, b *tree) int { return strings.Compare(a.ledger.root, b.ledger.root) })
	}
	for _, t := range trees {
		moved, err := t.moving(ctx)
		if err != nil {
			return mail.UIDMap{}, err
		}
		defer moved()
	}
	var tr *transfer
	if len(trees) == 1 { // else one account gains and the other loses
		var err error
		if tr, err = m.b.tree.ledger.transfer(); err != nil {
			return mail.UIDMap{}, err
		}
		defer tr.settle()
	}
	var out mail.UIDMap
	err := m.do(ctx, func(t *txn) (err error) {
		from := t.pick(t.selected(set))
		m.readIndexes(from)
		change(from)
		var taken []uint32
		if target == t.b {
			out, taken, err = t.take(from, t.b.dir, tr)
		} else {
			err = target.do(ctx, func(tt *txn) (err error) {
				out, taken, err = tt.take(from, t.b.dir, tr)
				return err
			})
		}
		if err != nil {
			return err
		}
		_, err = t.expunge(taken, false, tr)
		return err
	})
	if err != nil {
		if tr != nil {
			tr.rollback(meterMark{})
		}
		return mail.UIDMap{}, err
	}
	return out, nil
}

func (s *state) copied(b *block, m *slot) copied {
	return copied{m: s.msg(m), base: s.base(b, m), name: s.fileName(b, m), flags: s.flags(m.sys, m.kw), guid: s.rawGUID(b, m)}
}

// pick returns messages as this transaction sees them, ready to be copied.
func (t *txn) pick(uids []uint32) []copied {
	out := make([]copied, 0, len(uids))
	for _, uid := range uids {
		m, _ := t.msg(uid)
		c := copied{m: m, base: t.base(&m), name: t.fileName(&m)}
		known := view{keywords: t.keywords}
		c.flags = known.flags(m.sys, m.kw)
		c.guid = c.base
		if b, s := t.st.find(uid); s != nil {
			c.guid = t.st.rawGUID(b, s)
		} else if i, ok := t.added(uid); ok && t.adds[i].guid != "" {
			c.guid = t.adds[i].guid
		}
		out = append(out, c)
	}
	return out
}

// readIndexes fills in the structure indexes that there are.
func (m *mailbox) readIndexes(all []copied) {
	cache := cacheReader{fs: m.sh.fs, name: m.b.folder() + "/" + cacheName, octet: m.sh.octet}
	defer cache.close()
	for i := range all {
		if c := &all[i]; c.m.cacheLen > 0 {
			c.index = cache.read(c.m.uid, c.m.cache, c.m.cacheLen)
		}
	}
}

// take adds copies of messages that lie in the mailbox in dir. Those whose files are gone are left out. taken are the source's UIDs of what was copied.
// With tr, the source's are going to be removed.
func (t *txn) take(from []copied, dir string, tr *transfer) (out mail.UIDMap, taken []uint32, err error) {
	out.UIDValidity = t.head.validity
	if len(from) == 0 {
		return out, nil, nil
	}
	if err := t.lockUIDs(); err != nil {
		return out, nil, err
	}
	modseq := t.bump()
	for i := range from {
		c := &from[i]
		path := dir + "/" + whereDir(c.m.where) + "/" + c.name
		uid, err := t.takeOne(c, path, modseq, tr)
		// Whoever changes flags there gives files other names, and we don't hold that mailbox.
		for try := 0; errors.Is(err, fs.ErrNotExist) && try < renameTries; try++ {
			where, name, lerr := locateIn(t.b.sh.fs, dir, c.base)
			if lerr != nil {
				err = lerr
				break
			}
			uid, err = t.takeOne(c, dir+"/"+whereDir(where)+"/"+name, modseq, tr)
		}
		if errors.Is(err, mail.ErrExpunged) {
			continue
		}
		if err != nil {
			return out, nil, err
		}
		taken = append(taken, c.m.uid)
		out.From = append(out.From, mail.UID(c.m.uid))
		out.To = append(out.To, mail.UID(uid))
	}
	return out, taken, nil
}

// takeOne links the file at path into this mailbox.
func (t *txn) takeOne(c *copied, path string, modseq uint64, tr *transfer) (uint32, error) {
	sh := t.b.sh
	now := t.b.s.now()
	kw, err := t.keywordBits(c.flags.Keywords, false)
	if err != nil {
		return 0, err
	}
	m := msg{sys: c.m.sys, kw: kw, modseq: modseq, size: c.m.size, lf: c.m.lf, idate: c.m.idate, sdate: now.Unix(), where: inNew}
	if m.sys != 0 || m.kw != 0 {
		m.where = inCur
	}
	base := withSizes(sh.seq.base(now, sh.host), m.physical(), m.size)
	at := t.meter.mark()
	if tr != nil {
		err = t.transfer(tr, c.base, base, m.physical())
	} else {
		err = t.charge(base, m.physical())
	}
	if err != nil {
		return 0, err
	}
	to := t.b.dir + "/" + whereDir(m.where) + "/" + fileName(base, m.where, m.sys, m.kw, "")
	if err := sh.fs.Link(path, to); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
			t.meter.rollback(at)
			return 0, err
		}
		if err := t.copyFile(path, to); err != nil { // no hard links here
			t.meter.rollback(at)
			return 0, err
		}
	}
	t.undo = append(t.undo, func() { sh.fs.Remove(to) })
	t.touch(m.where, true)
	if c.index != nil {
		m.cache, m.cacheLen = t.keepIndex(t.head.next, c.index)
	}
	return t.give(m, base, c.guid)
}

// copyFile copies content, for file systems without hard links.
func (t *txn) copyFile(from, to string) error {
	fsys := t.b.sh.fs
	src, err := fsys.OpenFile(from, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	tmp := t.b.dir + "/tmp/" + t.b.sh.seq.base(t.b.s.now(), t.b.sh.host)
	dst, err := fsys.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err == nil {
		err = fsys.Chtimes(tmp, info.ModTime(), info.ModTime())
	}
	if err == nil && !t.b.s.NoSync {
		err = dst.Sync()
	}
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fsys.Rename(tmp, to)
	}
	if err != nil {
		fsys.Remove(tmp)
	}
	return err
}

// byID returns the box of a mailbox of this account, to be released.
func (a *account) byID(ctx context.Context, id mail.MailboxID) (*box, error) {
	a.sh.mu.Lock()
	var open []*box
	for _, b := range a.sh.boxes {
		if b.root == a.root {
			open = append(open, b)
		}
	}
	a.sh.mu.Unlock()
	name := ""
	for _, b := range open {
		b.mu.RLock()
		if b.st != nil && !b.dead && mail.MailboxID(b.st.id) == id {
			name = b.name
		}
		b.mu.RUnlock()
	}
	if name == "" {
		all, err := a.list(ctx)
		if err != nil {
			return nil, err
		}
		for _, info := range all {
			if info.ID == id && id != "" {
				name = info.Name
			}
		}
	}
	if name == "" {
		return nil, fmt.Errorf("%w: ID %q", mail.ErrNoMailbox, id)
	}
	return a.open(ctx, name)
}
