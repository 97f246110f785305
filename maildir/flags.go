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
	sys := uint8(c.Flags.System)
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
		newSys, newKW := sys, bits
		switch c.Op {
		case mail.FlagsAdd:
			newSys, newKW = m.sys|sys, m.kw|bits
		case mail.FlagsRemove:
			newSys, newKW = m.sys&^sys, m.kw&^bits
		case mail.FlagsReplace:
		default:
			return out, fmt.Errorf("maildir: unknown flag operation %d", c.Op)
		}
		newSys = newSys&uint8(may.system) | m.sys&^uint8(may.system)
		if !may.keywords {
			newKW = m.kw
		}
		if newSys == m.sys && newKW == m.kw {
			continue
		}
		if modseq == 0 {
			modseq = t.bump()
		}
		m.modseq = modseq
		switch err := t.renameFile(m, newSys, newKW, loose); {
		case errors.Is(err, mail.ErrExpunged):
			continue // the next scan reports it
		case err != nil:
			return out, err
		}
		out.Changed.Add(mail.UID(uid))
	}
	out.ModSeq = mail.ModSeq(t.head.high)
	return out, nil
}

// renameFile gives a message's file the name of these flags, in cur, and notes it: mail.ErrExpunged when the file is gone.
// When loose, the name need not be synced with the commit.
func (t *txn) renameFile(m msg, sys uint8, kw uint32, loose bool) error {
	name := t.fileName(&m)
	from := t.b.dir + "/" + whereDir(m.where) + "/" + name
	base := t.base(&m)
	where := m.where
	_, _, _, other := parseName(name)
	to := fileName(base, inCur, sys, kw, other)
	err := t.b.sh.fs.Rename(from, t.b.dir+"/cur/"+to)
	if errors.Is(err, fs.ErrNotExist) {
		if where, name, err = t.locate(base); err != nil {
			return err
		}
		from = t.b.dir + "/" + whereDir(where) + "/" + name
		err = t.b.sh.fs.Rename(from, t.b.dir+"/cur/"+to)
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return mail.ErrExpunged
		}
		return err
	}
	back := t.b.dir + "/cur/" + to
	t.undo = append(t.undo, func() { t.b.sh.fs.Rename(back, from) })
	kwDiff, sysDiff := kw^m.kw, sys^m.sys
	if kwDiff|uint32(sysDiff) != 0 {
		if loose {
			t.loosen(m.uid, kwDiff, sysDiff)
		}
	} else {
		loose = true // that it is in cur, nobody relies on
	}
	t.touch(where, !loose)
	t.touch(inCur, !loose)
	m.sys, m.kw, m.where = sys, kw, inCur
	t.change(m)
	t.name(base, &m, to)
	return nil
}

// locate looks for a file that isn't where it should be: mail.ErrExpunged when it is nowhere.
func (t *txn) locate(base string) (where uint8, name string, err error) {
	return locateIn(t.b.sh.fs, t.b.dir, base)
}

func locateIn(fsys FS, dir, base string) (where uint8, name string, err error) {
	for _, where := range []uint8{inCur, inNew} {
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
