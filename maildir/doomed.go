package maildir

import "github.com/buuta/mail"

// To remove several messages is to remove several files, between any two of which we may be killed. A client that said goodbye to a
// maildrop, or expunged a mailbox, should find either all of them or none: so the log is told first which are doomed, and that is
// synced. Who finds doomed messages when it reads a log finishes what was begun before it does anything else.

// doomed is a range of UIDs whose files are being removed.
type doomed struct {
	first, last uint32
	onlyDeleted bool // unless \Deleted has been taken away meanwhile
}

// doom tells the log that these messages go. Where it can't, on a full disk, they go one by one: that must be possible.
func (t *txn) doom(uids []uint32, onlyDeleted bool) {
	b := t.b
	if t.st != b.st || t.snapshot || b.end.generation == 0 {
		return // what the log holds isn't what we see
	}
	set := mail.UIDSet{}
	n := 0
	for _, uid := range uids {
		m, ok := t.msg(uid)
		if _, added := t.added(uid); ok && !added && (!onlyDeleted || m.sys&uint8(mail.Deleted) != 0) {
			set.Add(mail.UID(uid))
			n++
		}
	}
	if n < 2 {
		return
	}
	var recs []record
	for _, r := range set.Ranges() {
		recs = append(recs, record{kind: recDoomed, m: msg{sys: bit(onlyDeleted)}, first: uint32(r.First), last: uint32(r.Last)})
	}
	end := b.end
	frame := end.appendFrame(nil, recs)
	if err := appendFile(b.sh.fs, b.dir+"/"+logName, b.end.size, frame, !b.s.NoSync); err != nil {
		b.s.logger().Warn("messages are removed one by one: what is being removed can't be noted", "mailbox", b.name, "dir", b.dir, "error", err)
		return
	}
	b.end = end
	b.mu.Lock()
	b.st.apply(recs)
	b.mu.Unlock()
	t.doomed = true
}

// spare notes that no message is doomed any more: they are gone, or stay.
func (t *txn) spare() {
	if len(t.st.doomed) > 0 || t.doomed {
		t.recs = append(t.recs, record{kind: recSpared})
	}
}

// finish removes what a removal that was interrupted has left. What can't be removed stays.
func (t *txn) finish() {
	if len(t.st.doomed) == 0 {
		return
	}
	removed := 0
	for _, d := range t.st.doomed {
		at := t.mark()
		uids, err := t.expungeEach(t.selected(mail.UIDRangeSet(mail.UID(d.first), mail.UID(d.last))), d.onlyDeleted, nil)
		if err != nil {
			t.rollback(at)
			t.b.rescan = true
			t.b.s.logger().Warn("can't finish a removal of messages that was interrupted", "mailbox", t.b.name, "dir", t.b.dir, "error", err)
		}
		removed += len(uids)
	}
	t.spare()
	t.b.s.logger().Info("a removal of messages that was interrupted is finished", "mailbox", t.b.name, "dir", t.b.dir, "removed", removed)
}

func bit(set bool) uint8 {
	if set {
		return 1
	}
	return 0
}
