package maildir

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
)

// renameTries is how often a file that other programs rename meanwhile is looked for again.
const renameTries = 8

// renameFile gives a message's file the name of these flags, in cur, and notes it: mail.ErrExpunged when the file is gone. The name
// that is known is what the change is made from. Should another program have given the file another just now, which a
// folder's time need not show, that one is taken in and nothing else done: what it set must not be overwritten. When loose, the name
// need not be synced with the commit.
func (t *txn) renameFile(m msg, sys uint8, kw uint32, loose bool) (done bool, err error) {
	name := t.fileName(&m)
	from := t.b.dir + "/" + whereDir(m.where) + "/" + name
	base := t.base(&m)
	_, _, _, other := parseName(name)
	to := fileName(base, inCur, sys, kw, other)
	back := t.b.dir + "/cur/" + to
	if err := vfs.RenameFile(t.b.sh.fs, from, back); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		return false, t.lookFor(m.uid, base)
	}
	t.undo = append(t.undo, func() {
		vfs.RenameFile(t.b.sh.fs, back, from)
		t.b.undone = true
	})
	kwDiff, sysDiff := kw^m.kw, sys^m.sys
	if kwDiff|uint32(sysDiff) != 0 {
		if loose {
			// \Deleted too when it doesn't change: a name with it that another program gave before ours, and that we may never
			// have seen, can come back, and what isn't to be removed would be.
			t.loosen(m.uid, kwDiff, sysDiff|uint8(mail.Deleted))
		}
	} else {
		loose = true // that it is in cur, nobody relies on
	}
	t.touch(m.where, !loose)
	t.touch(inCur, !loose)
	m.sys, m.kw, m.where = sys, kw, inCur
	t.change(m)
	t.name(base, &m, to)
	return true, nil
}

// certain reports whether a message's file has the name that is known. If not, the one that it has is taken in.
func (t *txn) certain(m *msg) (bool, error) {
	if !t.newNames && !t.curNames && !t.seen.new.unsure && !t.seen.cur.unsure {
		return true, nil // the folders' times would tell
	}
	_, err := t.b.sh.fs.Stat(t.path(m))
	if !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	return false, t.lookFor(m.uid, t.base(m))
}

// lookFor takes in the name of a file that isn't where it should be: mail.ErrExpunged when it is nowhere.
func (t *txn) lookFor(uid uint32, base string) error {
	where, name, err := t.locate(base)
	if err == nil {
		m, _ := t.msg(uid)
		t.meet(m, where, base, name)
	}
	return err
}

// meet takes in the name that another program has given a file.
func (t *txn) meet(m msg, where uint8, base, name string) {
	_, sys, kw, _ := parseName(name)
	if sys != m.sys || kw != m.kw {
		t.loosenOthers(map[uint32]flagged{m.uid: {kw ^ m.kw, sys ^ m.sys}})
		m.sys, m.kw, m.modseq = sys, kw, t.bump()
	}
	m.where = where
	t.change(m)
	t.name(base, &m, name)
}

// locate looks for a file that isn't where it should be: mail.ErrExpunged when it is nowhere.
func (t *txn) locate(base string) (where uint8, name string, err error) {
	return locateIn(t.b.sh.fs, t.b.dir, base)
}

// locateIn looks twice, in the order in which files move: one that is renamed meanwhile may be overlooked once.
func locateIn(fsys FS, dir, base string) (where uint8, name string, err error) {
	for _, where := range []uint8{inNew, inCur, inNew, inCur} {
		entries, err := fsys.ReadDir(dir + "/" + whereDir(where))
		if err != nil {
			return 0, "", err
		}
		for _, e := range entries {
			if rest, ok := strings.CutPrefix(e.Name(), base); ok && (rest == "" || rest[0] == ':') {
				return where, e.Name(), nil
			}
		}
	}
	return 0, "", mail.ErrExpunged
}
