package maildir

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
)

// A flag change renames a file. That name is loose until its folder is synced, which happens a moment later and once for many
// changes: the log, which is synced before the answer, holds the flags meanwhile and says of which messages and which
// flags the names may be old. Who opens the mailbox after the machine has stopped puts those flags back into the names. As
// long as the machine runs, names are the truth: nothing is lost when only a program ends.

// flagged is a set of flags, each a bit.
type flagged struct {
	kw  uint32
	sys uint8
}

// looseMost is how many names of a mailbox may be loose. A change of more syncs the folder.
const looseMost = 1024

// settleTime is Store.SettleAfter's default.
const settleTime = time.Second

// loosen notes that the names of these messages may not say these flags after a power cut.
func (s *state) loosen(r *record) {
	if s.boot != r.name || s.loose == nil {
		s.loose, s.boot = map[uint32]flagged{}, strings.Clone(r.name)
	}
	f := s.loose[r.m.uid]
	s.loose[r.m.uid] = flagged{f.kw | r.m.kw, f.sys | r.m.sys}
}

// loosens reports whether names of this mailbox may be loose at all.
func (b *box) loosens() bool { return b.sh.boot != "" && !b.s.NoSync && b.s.SettleAfter >= 0 }

// mayLoosen reports whether n more names can be loose, and makes room for them.
func (t *txn) mayLoosen(n int) (bool, error) {
	if !t.b.loosens() || n > looseMost {
		return false, nil
	}
	if len(t.st.loose)+t.nloose+n > looseMost {
		return true, t.settle()
	}
	return true, nil
}

// loosen notes that a file's new name, by which these flags change, isn't synced.
func (t *txn) loosen(uid uint32, kw uint32, sys uint8) {
	t.nloose++
	t.recs = append(t.recs, record{kind: recLoose, m: msg{uid: uid, kw: kw, sys: sys}, name: t.b.sh.boot})
}

// loosenOthers is loosen for names that other programs have given, who sync none. What we have shown of them, and what a session was told
// is so already, must last as if we had set it.
func (t *txn) loosenOthers(changed map[uint32]flagged) {
	if !t.b.loosens() || len(t.st.loose)+t.nloose+len(changed) > looseMost {
		t.syncNew, t.syncCur = true, true
		return
	}
	for uid, f := range changed {
		t.loosen(uid, f.kw, f.sys)
	}
}

// settle syncs the folders so that no name is loose any more.
func (t *txn) settle() error {
	if len(t.st.loose)+t.nloose == 0 {
		return nil
	}
	for _, d := range []string{"new", "cur"} {
		if err := t.b.sh.fs.SyncDir(t.b.dir + "/" + d); err != nil {
			return err
		}
	}
	t.nloose = 0
	t.recs = append(t.recs, record{kind: recSettled})
	return nil
}

// settleLater sees to it that loose names are settled soon. Only the writer calls it.
func (b *box) settleLater() {
	if len(b.st.loose) == 0 || !b.settling.CompareAndSwap(false, true) {
		return
	}
	after := b.s.SettleAfter
	if after == 0 {
		after = settleTime
	}
	time.AfterFunc(after, func() {
		b.settling.Store(false)
		b.settleNow(context.Background())
	})
}

// settleNow settles what is loose.
func (b *box) settleNow(ctx context.Context) {
	if err := b.do(ctx, (*txn).settle); err != nil && !errors.Is(err, mail.ErrNoMailbox) {
		b.s.logger().Warn("can't sync the names of files", "mailbox", b.title(), "error", err)
	}
}

// astray reports whether loose names may have been lost: the machine has been started again since.
func (t *txn) astray() bool { return len(t.st.loose) > 0 && t.st.boot != t.b.sh.boot }

// regain returns the flags of a message after a power cut: those of its name, but for what is loose, which the log knows better.
func (t *txn) regain(m *msg, sys uint8, kw uint32) (uint8, uint32) {
	f := t.st.loose[m.uid]
	return sys&^f.sys | m.sys&f.sys, kw&^f.kw | m.kw&f.kw
}

// rename puts flags back into the name of a file.
func (t *txn) rename(base string, p place, sys uint8, kw uint32) (place, error) {
	_, _, _, other := parseName(p.name)
	to := place{inCur, fileName(base, inCur, sys, kw, other)}
	return to, vfs.RenameFile(t.b.sh.fs, t.b.dir+"/"+whereDir(p.where)+"/"+p.name, t.b.dir+"/cur/"+to.name)
}
