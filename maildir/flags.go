package maildir

import (
	"context"
	"errors"
	"fmt"

	"github.com/buuta/mail"
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
	bits, err := t.keywordBits(c.Flags.Keywords, c.Op == mail.FlagsRemove)
	if err != nil {
		return mail.FlagResult{}, err
	}
	uids := t.selected(set)
	s := flagStep{t: t, c: c, may: may, kw: bits}
	if s.loose, err = t.mayLoosen(len(uids)); err != nil {
		return s.out, err
	}
	if len(uids) > blockSize {
		t.expect(len(uids))
	}
	for _, uid := range uids {
		done := false
		for try := 0; !done; try++ {
			if try == renameTries {
				return s.out, mail.ErrStoreInUse
			}
			if done, err = s.set(uid); err != nil {
				return s.out, err
			}
		}
	}
	s.out.ModSeq = mail.ModSeq(t.head.high)
	return s.out, nil
}

// flagStep is a flag change on its way through the messages.
type flagStep struct {
	t      *txn
	c      *mail.FlagChange
	may    flagMask
	kw     uint32 // c.Flags.Keywords by letter
	loose  bool
	modseq uint64 // 0 until something changes
	out    mail.FlagResult
}

// set changes one message. It isn't done when the file's name turned out to be another program's of just now, with flags to begin from
// that were not known.
func (s *flagStep) set(uid uint32) (done bool, err error) {
	t, c := s.t, s.c
	m, _ := t.msg(uid)
	if c.UnchangedSinceZero || c.UnchangedSince != 0 && m.modseq > uint64(c.UnchangedSince) {
		s.out.Modified.Add(mail.UID(uid))
		return true, nil
	}
	sys, kw := uint8(c.Flags.System), s.kw
	switch c.Op {
	case mail.FlagsAdd:
		sys, kw = m.sys|sys, m.kw|kw
	case mail.FlagsRemove:
		sys, kw = m.sys&^sys, m.kw&^kw
	case mail.FlagsReplace:
	default:
		return false, fmt.Errorf("maildir: unknown flag operation %d", c.Op)
	}
	sys = sys&uint8(s.may.system) | m.sys&^uint8(s.may.system)
	if !s.may.keywords {
		kw = m.kw
	}
	same := sys == m.sys && kw == m.kw
	if same {
		done, err = t.certain(&m)
	} else {
		if s.modseq == 0 {
			s.modseq = t.bump()
		}
		m.modseq = s.modseq
		done, err = t.renameFile(m, sys, kw, s.loose)
	}
	if errors.Is(err, mail.ErrExpunged) {
		return true, nil // the next scan reports it
	}
	if done && !same {
		s.out.Changed.Add(mail.UID(uid))
	}
	return done, err
}
