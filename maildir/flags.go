package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// SetFlags implements mail.Mailbox.
func (m *mailbox) SetFlags(ctx context.Context, set mail.UIDSet, c mail.FlagChange) (mail.FlagResult, error) {
	return m.setFlags(ctx, set, c, everyFlag)
}

func (m *mailbox) setFlags(ctx context.Context, set mail.UIDSet, c mail.FlagChange, may flagMask) (mail.FlagResult, error) {
	var out mail.FlagResult
	err := m.do(ctx, func(t *txn) (err error) {
		out, err = t.setFlags(set, &c, may)
		return err
	})
	if err != nil {
		return mail.FlagResult{}, err
	}
	return out, nil
}

func (t *txn) setFlags(set mail.UIDSet, c *mail.FlagChange, may flagMask) (mail.FlagResult, error) {
	var out mail.FlagResult
	bits, err := t.keywordBits(c.Flags.Keywords, c.Op == mail.FlagsRemove)
	if err != nil {
		return out, err
	}
	if c.Op != mail.FlagsAdd && c.Op != mail.FlagsRemove && c.Op != mail.FlagsReplace {
		return out, fmt.Errorf("maildir: unknown flag operation %d", c.Op)
	}
	edit := func(f flagged) flagged {
		to := flagged{bits, uint8(c.Flags.System)}
		switch c.Op {
		case mail.FlagsAdd:
			to = flagged{f.kw | to.kw, f.sys | to.sys}
		case mail.FlagsRemove:
			to = flagged{f.kw &^ to.kw, f.sys &^ to.sys}
		}
		to.sys = to.sys&uint8(may.system) | f.sys&^uint8(may.system)
		if !may.keywords {
			to.kw = f.kw
		}
		return to
	}
	var modseq uint64
	uids := t.selected(set)
	loose, err := t.mayLoosen(len(uids))
	if err != nil {
		return out, err
	}
	for _, uid := range uids {
		m, _ := t.msg(uid)
		if c.UnchangedSinceZero || c.UnchangedSince != 0 && m.modseq > uint64(c.UnchangedSince) {
			out.Modified.Add(mail.UID(uid))
			continue
		}
		if was := (flagged{m.kw, m.sys}); edit(was) == was {
			continue
		}
		if modseq == 0 {
			modseq = t.bump()
		}
		m.modseq = modseq
		switch err := t.renameFile(m, edit, c.UnchangedSince != 0, loose); {
		case errors.Is(err, mail.ErrExpunged):
			continue // the next scan reports it
		case errors.Is(err, errModified):
			out.Modified.Add(mail.UID(uid))
			continue
		case err != nil:
			return out, err
		}
		out.Changed.Add(mail.UID(uid))
	}
	out.ModSeq = mail.ModSeq(t.head.high)
	return out, nil
}

// errModified says that another program was faster.
var errModified = errors.New("maildir: flags were changed by another program")

// renameFile gives a message's file the name of its flags after edit, in cur, and notes it: mail.ErrExpunged when the file is gone.
// Flags that another program has put into the name since sync are what edit changes then; with unchanged they are errModified.
// When loose, the name need not be synced with the commit.
func (t *txn) renameFile(m msg, edit func(flagged) flagged, unchanged, loose bool) error {
	was := flagged{m.kw, m.sys}
	name, base := t.fileName(&m), t.base(&m)
	var to string
	where := m.where
	for try := 0; ; try++ {
		now := edit(flagged{m.kw, m.sys})
		_, _, _, other := parseName(name)
		to = fileName(base, inCur, now.sys, now.kw, other)
		if m.where == inCur && to == name && try > 0 {
			m.kw, m.sys = now.kw, now.sys
			break // the other program did the same
		}
		from := t.b.dir + "/" + whereDir(m.where) + "/" + name
		err := t.b.sh.fs.Rename(from, t.b.dir+"/cur/"+to)
		if err == nil {
			t.undo = append(t.undo, func() { t.b.sh.fs.Rename(t.b.dir+"/cur/"+to, from) })
			where, m.kw, m.sys, m.where = m.where, now.kw, now.sys, inCur
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if try == renameTries {
			return fmt.Errorf("maildir: another program keeps renaming %q", base)
		}
		if m.where, name, err = t.locate(base); err != nil {
			return err
		}
		_, m.sys, m.kw, _ = parseName(name)
		if unchanged && (m.kw != was.kw || m.sys != was.sys) {
			t.change(m)
			t.name(base, &m, name)
			return errModified
		}
	}
	kwDiff, sysDiff := m.kw^was.kw, m.sys^was.sys
	if kwDiff|uint32(sysDiff) != 0 {
		if m.modseq <= t.st.high {
			m.modseq = t.bump() // edit changes nothing, but the other program did
		}
		if loose {
			t.loosen(m.uid, kwDiff, sysDiff)
		}
	} else {
		loose = true // that it is in cur, nobody relies on
	}
	t.touch(where, !loose)
	t.touch(inCur, !loose)
	t.change(m)
	t.name(base, &m, to)
	return nil
}

// renameTries is how often a file is looked for that others rename at the same time.
const renameTries = 8

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

// Expunge implements mail.Mailbox.
func (m *mailbox) Expunge(ctx context.Context, set mail.UIDSet, opts *mail.ExpungeOptions) (mail.ExpungeResult, error) {
	var out mail.ExpungeResult
	onlyDeleted := opts != nil && opts.OnlyDeleted
	err := m.do(ctx, func(t *txn) (err error) {
		out = mail.ExpungeResult{}
		var uids []uint32
		for _, uid := range t.selected(set) {
			if m, _ := t.msg(uid); !onlyDeleted || m.sys&uint8(mail.Deleted) != 0 {
				uids = append(uids, uid)
			}
		}
		err = t.expunge(uids, nil)
		for _, uid := range uids {
			out.Removed.Add(mail.UID(uid))
		}
		out.ModSeq = mail.ModSeq(t.head.high)
		return err
	})
	if err != nil {
		return mail.ExpungeResult{}, err
	}
	return out, nil
}

// expunge removes messages and their files; with tr, they have gone elsewhere. A file that is removed can't be brought back:
// should the commit fail, the next scan finds it gone and says so.
func (t *txn) expunge(uids []uint32, tr *transfer) error {
	if len(uids) == 0 {
		return nil
	}
	for _, uid := range uids {
		m, _ := t.msg(uid)
		if tr == nil {
			if err := t.discharge(&m); err != nil {
				return err
			}
		}
		err := t.b.sh.fs.Remove(t.path(&m))
		if errors.Is(err, fs.ErrNotExist) {
			where, name, lerr := t.locate(t.base(&m))
			switch {
			case errors.Is(lerr, mail.ErrExpunged):
				err = nil
				if tr == nil {
					t.meter.kept(t.base(&m), maildirsize.Amount{Bytes: m.physical(), Messages: 1})
				}
			case lerr != nil:
				err = lerr
			default:
				m.where = where
				err = t.b.sh.fs.Remove(t.b.dir + "/" + whereDir(where) + "/" + name)
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		t.touch(m.where, true)
	}
	t.remove(uids, t.bump())
	return nil
}
