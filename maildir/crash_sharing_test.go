package maildir_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// sharedWork is a user who reads what another shares with him.
type sharedWork struct {
	seen    map[mail.UID]bool // as acknowledged
	maybe   map[mail.UID]bool // what was being changed
	modseq  mail.ModSeq
	rights  mail.Rights
	maybeTo mail.Rights
}

const sharedName = "Users/an/box"

func (w *sharedWork) run(ctx context.Context, s *maildir.Store, seed uint64) error {
	rnd := rand.New(rand.NewPCG(seed, 5))
	an, err := s.Account(ctx, "an")
	if err != nil {
		return err
	}
	if _, err = an.Create(ctx, "box", nil); err != nil {
		return err
	}
	box, err := an.Open(ctx, "box")
	if err != nil {
		return err
	}
	a, err := box.Append(ctx)
	if err != nil {
		return err
	}
	for i := range 5 {
		if err := a.Add(ctx, strings.NewReader(fmt.Sprintf("Subject: %d\r\n\r\n", i)), nil); err != nil {
			return err
		}
	}
	if _, err = a.Commit(ctx); err != nil {
		return err
	}
	grant := func(r mail.Rights) error {
		w.maybeTo = r
		err := an.(mail.SharingAccount).SetACL(ctx, "box", "binh", mail.RightsReplace, r)
		if err == nil {
			w.rights = r
		}
		return err
	}
	if err := grant(mail.RightLookup | mail.RightRead | mail.RightSeen); err != nil {
		return err
	}
	binh, err := s.Account(ctx, "binh")
	if err != nil {
		return err
	}
	theirs, err := binh.Open(ctx, sharedName)
	if err != nil {
		return err
	}
	for range 12 {
		w.maybe = nil
		if rnd.IntN(6) == 0 {
			more := mail.RightLookup | mail.RightRead | mail.RightSeen
			if rnd.IntN(2) == 0 {
				more |= mail.RightWrite
			}
			if err := grant(more); err != nil {
				return err
			}
			continue
		}
		set := mail.UIDSetOf(mail.UID(1+rnd.IntN(5)), mail.UID(1+rnd.IntN(5)))
		op := []mail.FlagOp{mail.FlagsAdd, mail.FlagsRemove}[rnd.IntN(2)]
		w.maybe = map[mail.UID]bool{}
		for uid := range set.All() {
			w.maybe[uid] = op == mail.FlagsAdd
		}
		if _, err := theirs.SetFlags(ctx, set, mail.FlagChange{Op: op, Flags: mail.Flags{System: mail.Seen}}); err != nil {
			return err
		}
		for uid, is := range w.maybe {
			w.seen[uid] = is
		}
		w.maybe = nil
		st, err := theirs.State(ctx)
		if err != nil {
			return err
		}
		w.modseq = st.HighestModSeq
	}
	return nil
}

// verify looks at what is there after the machine has stopped.
func (w *sharedWork) verify(t *testing.T, fs *vfs.Crash, what string) {
	ctx := t.Context()
	s := sharedStore(fs)
	if w.rights == 0 {
		return // nothing was acknowledged to the other
	}
	an, err := s.Account(ctx, "an")
	require.NoError(t, err, what)
	defer an.Close()
	acl, err := an.(mail.SharingAccount).ACL(ctx, "box")
	require.NoError(t, err, what)
	var got mail.Rights
	for _, e := range acl {
		if e.Identifier == "binh" {
			got = e.Rights
		}
	}
	require.Contains(t, []mail.Rights{w.rights, w.maybeTo}, got, what)
	binh, err := s.Account(ctx, "binh")
	require.NoError(t, err, what)
	defer binh.Close()
	theirs, err := binh.Open(ctx, sharedName)
	require.NoError(t, err, what)
	defer theirs.Close()
	for m, err := range theirs.Messages(ctx, mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(t, err, what)
		is := m.Flags.System&mail.Seen != 0
		if maybe, ok := w.maybe[m.UID]; !ok || is != maybe {
			require.Equal(t, w.seen[m.UID], is, "%s: message %d", what, m.UID)
		}
	}
	st, err := theirs.State(ctx)
	require.NoError(t, err, what)
	require.GreaterOrEqual(t, st.HighestModSeq, w.modseq, what)
	_, err = theirs.SetFlags(ctx, mail.UIDSetOf(1), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.Flags{System: mail.Seen}})
	require.NoError(t, err, what)
}

func sharedStore(fs *vfs.Crash) *maildir.Store {
	return &maildir.Store{Path: "/mail/%u", FS: fs, Host: "h", Poll: -1, Sharing: &maildir.Sharing{Dict: "/mail/dict"}}
}

// TestCrashSharing stops the machine at every operation while a mailbox is shared and read: rights that were granted and \Seen of one's own
// last as everything does that was acknowledged.
func TestCrashSharing(t *testing.T) {
	for seed := range uint64(2) {
		whole := vfs.NewCrash()
		w := &sharedWork{seen: map[mail.UID]bool{}}
		require.NoError(t, w.run(t.Context(), sharedStore(whole), seed))
		w.verify(t, whole, "no crash")
		for n := 1; n <= whole.Ops(); n++ {
			fs := vfs.NewCrash()
			fs.CrashAt(n)
			w := &sharedWork{seen: map[mail.UID]bool{}}
			err := w.run(t.Context(), sharedStore(fs), seed)
			if err == nil {
				continue
			}
			what := fmt.Sprintf("seed %d, crash at %d: %v", seed, n, err)
			require.ErrorIs(t, err, vfs.ErrCrashed, what)
			w.verify(t, fs.Recover(rand.New(rand.NewPCG(seed, uint64(n)))), what)
		}
	}
}
