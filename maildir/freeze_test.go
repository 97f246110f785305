package maildir_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

// While messages move between two mailboxes, and another process changes their flags, each moment that is
// frozen has every message exactly once, in the lists and in the folders.
func TestFreeze(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	open := func() (*maildir.Store, mail.Account) {
		s := &maildir.Store{Path: dir + "/%u", NoSync: true}
		a, err := s.Account(ctx, "an")
		require.NoError(t, err)
		t.Cleanup(func() { a.Close() })
		return s, a
	}
	_, first := open()
	_, err := first.Create(ctx, "Other", nil)
	require.NoError(t, err)
	const messages = 20
	inbox, err := first.Open(ctx, "INBOX")
	require.NoError(t, err)
	for i := range messages {
		putGUID(t, ctx, inbox, fmt.Sprintf("Subject: %d\r\n\r\n", i), mail.GUID(fmt.Sprintf("guid%d", i)))
	}
	require.NoError(t, inbox.Close())

	var wg sync.WaitGroup
	stop := make(chan struct{})
	move := func(a mail.Account, from, to string) {
		src, err := a.Open(ctx, from)
		require.NoError(t, err)
		defer src.Close()
		dst, err := a.Open(ctx, to)
		require.NoError(t, err)
		defer dst.Close()
		for n := mail.UID(1); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			st, err := src.State(ctx)
			require.NoError(t, err)
			uid := max(st.UIDNext, 5) - 1 - n%4
			_, err = src.Copy(ctx, mail.UIDRangeSet(uid, st.UIDNext), dst.Info().ID, &mail.CopyOptions{Move: true})
			require.NoError(t, err)
			_, err = src.SetFlags(ctx, mail.AllUIDs(), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(fmt.Sprintf("k%d", n%5))})
			require.NoError(t, err)
		}
	}
	_, second := open()
	wg.Go(func() { move(first, "INBOX", "Other") })
	wg.Go(func() { move(first, "Other", "INBOX") })
	wg.Go(func() {
		box, err := second.Open(ctx, "Other")
		require.NoError(t, err)
		defer box.Close()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			_, err := box.SetFlags(ctx, mail.AllUIDs(), mail.FlagChange{Op: mail.FlagsReplace, Flags: mail.NewFlags(fmt.Sprintf("o%d", n%5))})
			require.NoError(t, err)
		}
	})

	third, _ := open()
	for range 30 {
		require.NoError(t, third.Freeze(ctx, "an", func(fz *maildir.Frozen) error {
			seen := map[mail.GUID]bool{}
			for i := range fz.Mailboxes {
				m := &fz.Mailboxes[i]
				list, err := m.UIDList()
				require.NoError(t, err)
				lines := strings.Split(strings.TrimSuffix(string(list), "\n"), "\n")
				require.Len(t, lines, m.Count+1)
				require.Equal(t, fmt.Sprintf("3 V%d N%d G%s", m.UIDValidity, m.UIDNext, m.ID), lines[0])
				n := 0
				for msg := range m.Messages() {
					n++
					require.True(t, strings.HasPrefix(lines[n], fmt.Sprintf("%d G%s ", msg.UID, msg.GUID)) && strings.HasSuffix(lines[n], ":"+msg.Base), lines[n])
					require.Less(t, msg.UID, m.UIDNext)
					require.False(t, seen[msg.GUID], "%s is there twice", msg.GUID)
					seen[msg.GUID] = true
					_, err := os.Stat(filepath.Join(fz.Root, msg.File))
					require.NoError(t, err)
				}
			}
			require.Len(t, seen, messages)
			return nil
		}))
	}
	close(stop)
	wg.Wait()
	require.ErrorIs(t, (&maildir.Store{Path: dir + "/%u"}).Freeze(ctx, "binh", nil), mail.ErrNoAccount)
	_, err = os.Stat(dir + "/binh")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Messages that another program has delivered have UIDs when the account is frozen; one that takes a mailbox's lock for good is told.
func TestFreezeOthers(t *testing.T) {
	dir := t.TempDir()
	s := &maildir.Store{Path: dir + "/%u", NoSync: true}
	a, err := s.Account(t.Context(), "an")
	require.NoError(t, err)
	defer a.Close()
	box, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer box.Close()
	require.NoError(t, os.WriteFile(dir+"/an/new/1700000000.M1P1.host", []byte("Subject: x\n\nx\n"), 0o600))
	require.NoError(t, s.Freeze(t.Context(), "an", func(fz *maildir.Frozen) error {
		for msg := range fz.Mailboxes[0].Messages() {
			require.Equal(t, mail.UID(1), msg.UID)
			require.Equal(t, "new/1700000000.M1P1.host", msg.File)
		}
		require.Equal(t, 1, fz.Mailboxes[0].Count)
		list, err := fz.Mailboxes[0].UIDList()
		require.NoError(t, err)
		require.Contains(t, string(list), "1 :1700000000.M1P1.host\n")
		return nil
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.NoError(t, s.Freeze(t.Context(), "an", func(*maildir.Frozen) error {
		other := &maildir.Store{Path: dir + "/%u", NoSync: true}
		require.Error(t, other.Freeze(ctx, "an", func(*maildir.Frozen) error { return nil }))
		return nil
	}))
}

func putGUID(t *testing.T, ctx context.Context, box mail.Mailbox, text string, guid mail.GUID) mail.UID {
	t.Helper()
	tx, err := box.Append(ctx)
	require.NoError(t, err)
	require.NoError(t, tx.Add(ctx, strings.NewReader(text), &mail.AppendOptions{GUID: guid}))
	done, err := tx.Commit(ctx)
	require.NoError(t, err)
	return done.UIDs[0]
}
