package maildir

import (
	"errors"
	"io/fs"
	"time"
)

// sync takes in what other programs did to the mailbox since the last commit: to the UID list, the keywords, the files.
func (t *txn) sync() error {
	b := t.b
	if b.cleaned.IsZero() || b.s.now().Sub(b.cleaned) > staleTmp {
		if err := t.prepare(); err != nil {
			return err
		}
	}
	kws, err := b.stamp(b.dir + "/" + keywordsName)
	if err != nil {
		return err
	}
	if !kws.same(b.seen.kws) {
		if err := t.readKeywords(); err != nil {
			return err
		}
		t.seen.kws = kws
	}
	list, err := b.stamp(b.dir + "/" + uidListName)
	if err != nil {
		return err
	}
	if !list.same(b.seen.list) || list == (fileStamp{}) || t.st.validity == 0 {
		if err := t.takeUIDs(); err != nil {
			return err
		}
	}
	seen, err := b.dirStamps()
	if err != nil {
		return err
	}
	t.synced = true
	if b.rescan || t.astray() || t.listed() || len(t.st.doomed) > 0 || !seen[0].Equal(b.seen.new.mtime) || !seen[1].Equal(b.seen.cur.mtime) {
		if err := t.scan(seen); err != nil {
			return err
		}
		t.finish()
	}
	return nil
}

// takeIn reads the folders again, for what the UID list has told since sync.
func (t *txn) takeIn() error {
	seen, err := t.b.dirStamps()
	if err != nil {
		return err
	}
	return t.scan(seen)
}

// listed reports whether the UID list has messages that we don't have yet.
func (t *txn) listed() bool {
	if t.list == nil || len(t.list.entries) == 0 {
		return false
	}
	return t.list.entries[len(t.list.entries)-1].uid >= t.st.next
}

// dirStamps returns the times of new and cur.
func (b *box) dirStamps() (out [2]time.Time, err error) {
	for i, d := range []string{"new", "cur"} {
		info, err := b.sh.fs.Stat(b.dir + "/" + d)
		if err != nil {
			return out, err
		}
		out[i] = info.ModTime()
	}
	return out, nil
}

// staleTmp is how old a file in tmp must be to be a leftover; Maildir's rule.
const staleTmp = 36 * time.Hour

// leftover reports whether a file in tmp belongs to a delivery that came to nothing. The file's own time isn't enough: one that is being
// appended may have the message's date already. Its name tells when it was begun.
func (s *Store) leftover(info fs.FileInfo) bool {
	now := s.now()
	return now.Sub(info.ModTime()) > staleTmp && now.Sub(unixTime(secondsOf(info.Name()))) > staleTmp
}

// prepare makes missing folders and removes what deliveries that came to nothing have left.
func (t *txn) prepare() error {
	b := t.b
	made := false
	for _, d := range []string{"tmp", "new", "cur"} {
		switch err := b.sh.fs.Mkdir(b.dir+"/"+d, 0o700); {
		case err == nil:
			made = true
		case !errors.Is(err, fs.ErrExist):
			return err
		}
	}
	if made && !b.s.NoSync && t.st.validity != 0 { // else the new index is about to be written beside them, and that syncs the folder
		if err := b.sh.fs.SyncDir(b.dir); err != nil {
			return err
		}
	}
	left, err := b.sh.fs.ReadDir(b.dir + "/tmp")
	if err != nil {
		return err
	}
	for _, e := range left {
		if info, err := e.Info(); err == nil && !e.IsDir() && b.s.leftover(info) {
			b.sh.fs.Remove(b.dir + "/tmp/" + e.Name())
		}
	}
	b.cleaned = b.s.now()
	return nil
}

// readKeywords takes in what the letters mean.
func (t *txn) readKeywords() error {
	raw, err := readFile(t.b.sh.fs, t.b.dir+"/"+keywordsName)
	if err != nil {
		return err
	}
	for i, k := range parseKeywords(raw) {
		if k != "" && (i >= len(t.keywords) || t.keywords[i] != k) {
			t.setKeyword(i, k)
		}
	}
	// What the file lacks and the log has is written to it again.
	t.kwDirty = string(formatKeywords(t.keywords)) != string(formatKeywords(parseKeywords(raw)))
	return nil
}

// errListed tells an operation to begin again, once the messages that another program gave UIDs have been taken in: whoever
// gives a UID first must have seen all below it, or they would come to light behind it and need others.
var errListed = errors.New("maildir: the UID list has changed")

// lockUIDs takes Dovecot's lock, once a transaction, and with it reads what Dovecot may have written before. An operation calls it
// before it does anything, for it may have to begin again: errListed.
func (t *txn) lockUIDs() error {
	if t.uids != nil {
		return nil
	}
	if err := t.takeUIDs(); err != nil {
		return err
	}
	if t.synced && t.listed() {
		return errListed
	}
	return nil
}

func (t *txn) takeUIDs() error {
	b := t.b
	l, err := takeDotLock(t.ctx, b.sh.fs, b.dir+"/"+lockName, b.dir+"/"+uidLockName, b.sh.machine, b.s.now)
	if err != nil {
		return err
	}
	t.uids = l
	now, err := b.stamp(b.dir + "/" + uidListName)
	if err != nil {
		return err
	}
	if now.same(t.seen.list) && now != (fileStamp{}) && t.st.validity != 0 {
		return nil
	}
	t.seen.list = now
	return t.readList()
}

// readList reads the UID list and brings the mailbox into line with it. The lock is held.
func (t *txn) readList() error {
	b := t.b
	raw, err := readFile(b.sh.fs, b.dir+"/"+uidListName)
	if raw == nil && err == nil && t.st.validity == 0 {
		// Courier was here before us: its list is one of version 1.
		raw, err = readFile(b.sh.fs, b.dir+"/"+courierListName)
		t.rewrite = t.rewrite || raw != nil
	}
	if err != nil {
		return err
	}
	t.list = parseUIDList(raw)
	if t.list == nil {
		t.list = &uidList{}
		t.rewrite = true
		if len(raw) > 0 {
			b.s.logger().Warn("UID list can't be read", "mailbox", b.name, "dir", b.dir)
		}
		if t.st.validity == 0 {
			return t.found()
		}
		return nil
	}
	l := t.list
	b.lines = l.lines
	t.rewrite = t.rewrite || l.damaged || l.id == ""
	switch {
	case t.st.validity == 0:
		t.adopt(l)
	case l.validity != t.st.validity:
		b.s.logger().Warn("UIDVALIDITY was changed by another program", "mailbox", b.name, "dir", b.dir, "from", t.st.validity, "to", l.validity)
		t.restart()
		t.adopt(l)
	default:
		t.head.next = max(t.head.next, l.next)
		if l.id != "" {
			t.head.id = l.id
		}
	}
	if t.head.id == "" {
		t.head.id = newID()
	}
	return nil
}

// found begins a mailbox that has no UID list.
func (t *txn) found() error {
	t.b.tree.validity.Lock()
	v, err := t.b.sh.nextValidity(t.ctx, t.b.root, t.b.s)
	t.b.tree.validity.Unlock()
	if err != nil {
		return err
	}
	t.head = head{validity: v, next: 1, firstRecent: 1, high: 1, oldest: 1, id: newID()}
	t.snapshot, t.fresh, t.begun = true, true, true
	return nil
}

// adopt begins an index for a mailbox that has a UID list and had, maybe, an index before. Its ModSeqs start above all that
// can have been given out: they grow by one a commit, and time in microseconds is faster.
func (t *txn) adopt(l *uidList) {
	high := max(uint64(t.b.s.now().UnixMicro()), 1)
	t.head = head{validity: l.validity, next: l.next, firstRecent: 1, high: high, oldest: high, id: l.id}
	t.snapshot, t.fresh = true, true
	if t.b.end.generation == 0 {
		t.b.s.logger().Info("mailbox index is missing or of no use: it is made from the UID list and the files", "mailbox", t.b.name, "dir", t.b.dir)
	}
}

// restart forgets all messages, for a UIDVALIDITY that is no more.
func (t *txn) restart() {
	t.st = newState(t.st.history)
	t.st.keywords = t.keywords
	t.b.rescan = true
}
