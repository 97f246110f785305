package maildir

import (
	"context"
	"errors"
	"io/fs"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// Expunge implements mail.Mailbox.
func (m *mailbox) Expunge(ctx context.Context, set mail.UIDSet, opts *mail.ExpungeOptions) (mail.ExpungeResult, error) {
	var out mail.ExpungeResult
	onlyDeleted := opts != nil && opts.OnlyDeleted
	err := m.do(ctx, func(t *txn) (err error) {
		out = mail.ExpungeResult{}
		uids, err := t.expunge(t.selected(set), onlyDeleted, nil)
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

// expunge removes messages and their files, and returns which; with tr, they have gone elsewhere. Several go together, whatever
// happens meanwhile.
func (t *txn) expunge(uids []uint32, onlyDeleted bool, tr *transfer) (removed []uint32, err error) {
	if tr == nil && len(uids) > 1 {
		t.doom(uids, onlyDeleted)
	}
	if removed, err = t.expungeEach(uids, onlyDeleted, tr); err == nil {
		t.spare()
	}
	return removed, err
}

// expungeEach removes messages one by one. A file that is removed can't be brought back: should the commit fail, the next scan finds
// it gone and says so.
func (t *txn) expungeEach(uids []uint32, onlyDeleted bool, tr *transfer) (removed []uint32, err error) {
	for _, uid := range uids {
		gone := false
		for try := 0; !gone; try++ {
			m, _ := t.msg(uid)
			if onlyDeleted && m.sys&uint8(mail.Deleted) == 0 {
				break
			}
			if try == renameTries {
				return nil, mail.ErrStoreInUse
			}
			if gone, err = t.removeFile(&m, tr); err != nil {
				return nil, err
			}
		}
		if gone {
			removed = append(removed, uid)
		}
	}
	if len(removed) > 0 {
		t.remove(removed, t.bump())
	}
	return removed, nil
}

// removeFile removes a message's file. It isn't gone when it turned out to have another name, which is taken in: another program may
// have taken \Deleted away just now.
func (t *txn) removeFile(m *msg, tr *transfer) (gone bool, err error) {
	base := t.base(m)
	if tr == nil {
		if err := t.discharge(m); err != nil {
			return false, err
		}
	}
	err = t.b.sh.fs.Remove(t.path(m))
	if err == nil {
		t.touch(m.where, true)
		return true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	where, name, err := t.locate(base)
	if tr == nil {
		t.meter.kept(base, maildirsize.Amount{Bytes: m.physical(), Messages: 1})
	}
	if errors.Is(err, mail.ErrExpunged) { // somebody else did
		t.touch(m.where, true)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	t.meet(*m, where, base, name)
	return false, nil
}
