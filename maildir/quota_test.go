package maildir_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

const userRoot = "User quota"

// letter is a message of n octets.
func letter(n int) string {
	const head = "Subject: x\r\n\r\n"
	return head + strings.Repeat("y", n-len(head)-2) + "\r\n"
}

func quotaAccount(t *testing.T, s *maildir.Store) (mail.Account, mail.QuotaSetter) {
	a, err := s.Account(t.Context(), "alice")
	require.NoError(t, err)
	t.Cleanup(func() { a.Close() })
	return a, a.(mail.QuotaSetter)
}

func openBox(t *testing.T, a mail.Account, name string) mail.Mailbox {
	m, err := a.Open(t.Context(), name)
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func add(t *testing.T, m mail.Mailbox, texts ...string) error {
	a, err := m.Append(t.Context())
	require.NoError(t, err)
	defer a.Abort()
	for _, text := range texts {
		if err := a.Add(t.Context(), strings.NewReader(text), nil); err != nil {
			return err
		}
	}
	_, err = a.Commit(t.Context())
	return err
}

func quotaFile(t *testing.T, dir string) string {
	b, err := os.ReadFile(dir + "/alice/maildirsize")
	require.NoError(t, err)
	return string(b)
}

// The Store's limit holds, is written into maildirsize, and is nothing that a user can change.
func TestQuotaOfTheStore(t *testing.T) {
	dir := t.TempDir()
	s := &maildir.Store{Path: dir + "/%u", NoSync: true, UserQuota: true, Quota: maildir.Quota{Storage: 1000, Messages: 3}}
	a, q := quotaAccount(t, s)
	in := openBox(t, a, "INBOX")
	require.NoError(t, add(t, in, letter(400)))
	require.Equal(t, "1000S,3C\n0 0\n400 1\n", quotaFile(t, dir))
	require.ErrorIs(t, add(t, in, letter(601)), mail.ErrOverQuota)
	require.NoError(t, add(t, in, letter(600)))
	require.ErrorIs(t, add(t, in, letter(20)), mail.ErrOverQuota)
	// Who is refused is refused by a count.
	require.Equal(t, "1000S,3C\n1000 2\n", quotaFile(t, dir))
	left, err := os.ReadDir(dir + "/alice/tmp")
	require.NoError(t, err)
	require.Empty(t, left)
	require.ErrorIs(t, q.SetQuota(t.Context(), userRoot, nil), mail.ErrPermission)
	all, err := q.Quota(t.Context(), userRoot)
	require.NoError(t, err)
	require.Equal(t, []mail.QuotaResource{{Kind: mail.QuotaStorage, Used: 1000, Limit: 1000}, {Kind: mail.QuotaMessages, Used: 2, Limit: 3}}, all)

	// The limit may change at any time.
	s2 := &maildir.Store{Path: dir + "/%u", NoSync: true, QuotaFunc: func(account, mailbox string) maildir.Quota {
		require.Equal(t, "alice", account)
		if mailbox != "" {
			return maildir.Quota{}
		}
		return maildir.Quota{Storage: 2000}
	}}
	a2, _ := quotaAccount(t, s2)
	require.NoError(t, add(t, openBox(t, a2, "INBOX"), letter(500)))
	require.Equal(t, "2000S\n1000 2\n500 1\n", quotaFile(t, dir))
}

// A mailbox may have a limit of its own, beside the account's.
func TestQuotaOfAMailbox(t *testing.T) {
	s := &maildir.Store{Path: t.TempDir() + "/%u", NoSync: true, QuotaFunc: func(_, mailbox string) maildir.Quota {
		return map[string]maildir.Quota{"Trash": {Messages: 2}, "": {Messages: 4}}[mailbox]
	}}
	a, q := quotaAccount(t, s)
	ctx := t.Context()
	_, err := a.Create(ctx, "Trash", nil)
	require.NoError(t, err)
	in, trash := openBox(t, a, "INBOX"), openBox(t, a, "Trash")
	roots, err := q.QuotaRoots(ctx, "Trash")
	require.NoError(t, err)
	require.Equal(t, []string{userRoot, "Mailbox quota/Trash"}, roots)
	roots, err = q.QuotaRoots(ctx, "INBOX")
	require.NoError(t, err)
	require.Equal(t, []string{userRoot}, roots)

	require.ErrorIs(t, add(t, trash, letter(20), letter(20), letter(20)), mail.ErrOverQuota)
	require.NoError(t, add(t, trash, letter(20)))
	require.NoError(t, add(t, in, letter(20), letter(30), letter(20)))
	_, err = in.Copy(ctx, mail.AllUIDs(), trash.Info().ID, &mail.CopyOptions{Move: true})
	require.ErrorIs(t, err, mail.ErrOverQuota) // 4 in Trash
	_, err = in.Copy(ctx, mail.UIDSetOf(2), trash.Info().ID, &mail.CopyOptions{Move: true})
	require.NoError(t, err)
	all, err := q.Quota(ctx, "Mailbox quota/Trash")
	require.NoError(t, err)
	require.Equal(t, []mail.QuotaResource{{Kind: mail.QuotaMessages, Used: 2, Limit: 2}}, all)
	require.ErrorIs(t, add(t, in, letter(20)), mail.ErrOverQuota) // 4 in the account
	_, err = trash.Expunge(ctx, mail.AllUIDs(), nil)
	require.NoError(t, err)
	require.NoError(t, add(t, in, letter(20)))

	require.ErrorIs(t, q.SetQuota(ctx, "Mailbox quota/Trash", nil), mail.ErrPermission)
	require.ErrorIs(t, q.SetQuota(ctx, "Mailbox quota/INBOX", nil), mail.ErrNoQuotaRoot)
	_, err = q.Quota(ctx, "Mailbox quota/INBOX")
	require.ErrorIs(t, err, mail.ErrNoQuotaRoot)
}

// Without a rule of ours, a maildirsize that another program wrote limits the account, and we go on writing it.
func TestQuotaOfOthers(t *testing.T) {
	dir := t.TempDir()
	s := &maildir.Store{Path: dir + "/%u", NoSync: true}
	a, q := quotaAccount(t, s)
	in := openBox(t, a, "INBOX")
	roots, err := q.QuotaRoots(t.Context(), "INBOX")
	require.NoError(t, err)
	require.Empty(t, roots) // "none where it is not limited"
	_, err = q.Quota(t.Context(), userRoot)
	require.ErrorIs(t, err, mail.ErrNoQuotaRoot)
	require.NoError(t, add(t, in, letter(100)))

	file := dir + "/alice/maildirsize"
	require.NoError(t, os.WriteFile(file, []byte("1000S\n        100        1\n"), 0o600))
	roots, err = q.QuotaRoots(t.Context(), "INBOX")
	require.NoError(t, err)
	require.Equal(t, []string{userRoot}, roots)
	require.NoError(t, add(t, in, letter(200)))
	require.ErrorIs(t, q.SetQuota(t.Context(), userRoot, nil), mail.ErrPermission)
	require.ErrorIs(t, add(t, in, letter(900)), mail.ErrOverQuota)
	require.Equal(t, "1000S\n300 2\n", quotaFile(t, dir))

	// Damage and length make it be counted again; the limits stay. So does an old file, before somebody is refused.
	for _, bad := range []string{"1000S\n", "1000S\nx y\n", "1000S\n-5 -1\n", "1000S\n" + strings.Repeat("0 0\n", 2000), "1000S\n900 2\n900 2\n"} {
		require.NoError(t, os.WriteFile(file, []byte(bad), 0o600))
		all, err := q.Quota(t.Context(), userRoot)
		require.NoError(t, err)
		require.Equal(t, []mail.QuotaResource{{Kind: mail.QuotaStorage, Used: 300, Limit: 1000}}, all)
		require.Equal(t, "1000S\n300 2\n", quotaFile(t, dir))
	}
	require.NoError(t, os.WriteFile(file, []byte("1000S\n990 2\n"), 0o600))
	require.ErrorIs(t, add(t, in, letter(100)), mail.ErrOverQuota)
	old := time.Now().Add(-16 * time.Minute)
	require.NoError(t, os.Chtimes(file, old, old))
	require.NoError(t, add(t, in, letter(100)))
	require.Equal(t, "1000S\n300 2\n100 1\n", quotaFile(t, dir))

	// A limit of nothing is none.
	require.NoError(t, os.WriteFile(file, []byte("0S\n400 3\n"), 0o600))
	require.NoError(t, add(t, in, letter(2000)))
	require.Equal(t, "0S\n400 3\n2000 1\n", quotaFile(t, dir))
}

// Two processes, here two Stores, who append at once: each may overshoot by what the other has in flight, and what is there
// in the end is what is written down.
func TestQuotaOfTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	const most, procs = 40, 2
	var wg sync.WaitGroup
	for p := range procs {
		s := &maildir.Store{Path: dir + "/%u", NoSync: true, Quota: maildir.Quota{Messages: most}}
		a, _ := quotaAccount(t, s)
		name := fmt.Sprint("box", p)
		_, err := a.Create(t.Context(), name, nil)
		require.NoError(t, err)
		m := openBox(t, a, name)
		wg.Go(func() {
			for add(t, m, letter(50)) == nil {
			}
		})
	}
	wg.Wait()
	s := &maildir.Store{Path: dir + "/%u", NoSync: true, Quota: maildir.Quota{Messages: most}}
	a, q := quotaAccount(t, s)
	kept := 0
	for p := range procs {
		st, err := a.Status(t.Context(), fmt.Sprint("box", p))
		require.NoError(t, err)
		kept += int(st.Messages)
	}
	require.GreaterOrEqual(t, kept, most)
	require.LessOrEqual(t, kept, most+procs-1)
	all, err := q.Quota(t.Context(), userRoot)
	require.NoError(t, err)
	require.InDelta(t, kept, all[0].Used, procs)
}
