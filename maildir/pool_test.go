package maildir_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// domains is a Store whose accounts are grouped by what stands behind their "@".
func domains(dir string, limits maildir.Quota, accounts func() []string) *maildir.Store {
	return &maildir.Store{Path: dir + "/%d/%n", NoSync: true, Groups: &maildir.Groups{
		Of: func(account string) (string, maildir.Quota) {
			_, domain, _ := strings.Cut(account, "@")
			return domain, limits
		},
		Accounts: func(_ context.Context, domain string) (out []string, err error) {
			for _, a := range accounts() {
				if strings.HasSuffix(a, "@"+domain) {
					out = append(out, a)
				}
			}
			return out, nil
		},
	}}
}

func inboxOf(t require.TestingT, s *maildir.Store, account string) (mail.Account, mail.Mailbox) {
	a, err := s.Account(context.Background(), account)
	require.NoError(t, err)
	m, err := a.Open(context.Background(), "INBOX")
	require.NoError(t, err)
	return a, m
}

func put(s *maildir.Store, account, text string) error {
	ctx := context.Background()
	a, err := s.Account(ctx, account)
	if err != nil {
		return err
	}
	defer a.Close()
	m, err := a.Open(ctx, "INBOX")
	if err != nil {
		return err
	}
	defer m.Close()
	p, err := m.Append(ctx)
	if err != nil {
		return err
	}
	defer p.Abort()
	if err := p.Add(ctx, strings.NewReader(text), nil); err != nil {
		return err
	}
	_, err = p.Commit(ctx)
	return err
}

// The accounts of a group share its limit, and its users see it; another group has its own.
func TestQuotaOfAGroup(t *testing.T) {
	all := []string{"a@x", "b@x", "c@x", "a@y"}
	s := domains(t.TempDir(), maildir.Quota{Storage: 1000, Messages: 3}, func() []string { return all })
	ctx := t.Context()
	require.NoError(t, put(s, "a@x", letter(400)))
	require.NoError(t, put(s, "b@x", letter(400)))
	require.ErrorIs(t, put(s, "c@x", letter(201)), mail.ErrOverQuota)
	require.ErrorIs(t, s.Fits(ctx, "c@x", 201), mail.ErrOverQuota)
	require.NoError(t, s.Fits(ctx, "c@x", 200))
	require.NoError(t, put(s, "a@y", letter(400)), "another's domain is another's")

	a, m := inboxOf(t, s, "a@x")
	defer a.Close()
	defer m.Close()
	q := a.(mail.QuotaSetter)
	roots, err := q.QuotaRoots(ctx, "INBOX")
	require.NoError(t, err)
	require.Contains(t, roots, "Domain quota")
	got, err := q.Quota(ctx, "Domain quota")
	require.NoError(t, err)
	require.Equal(t, []mail.QuotaResource{{Kind: mail.QuotaStorage, Used: 800, Limit: 1000}, {Kind: mail.QuotaMessages, Used: 2, Limit: 3}}, got)
	require.ErrorIs(t, q.SetQuota(ctx, "Domain quota", nil), mail.ErrPermission)

	// What one removes is room for another, at once.
	_, err = m.Expunge(ctx, mail.AllUIDs(), nil)
	require.NoError(t, err)
	require.NoError(t, put(s, "c@x", letter(500)))
	require.NoError(t, s.Fits(ctx, "c@x", 100))
	use, err := s.Usage(ctx, "c@x")
	require.NoError(t, err)
	require.Equal(t, maildir.Quota{Storage: 500, Messages: 1}, use)

	// Messages are counted as well, and what is deleted with its mailbox is gone.
	c, _ := inboxOf(t, s, "c@x")
	defer c.Close()
	_, err = c.Create(ctx, "Old", nil)
	require.NoError(t, err)
	old, err := c.Open(ctx, "Old")
	require.NoError(t, err)
	require.ErrorIs(t, add(t, old, letter(20), letter(20)), mail.ErrOverQuota, "the fourth message")
	require.NoError(t, add(t, old, letter(20)))
	require.ErrorIs(t, put(s, "b@x", letter(20)), mail.ErrOverQuota)
	_ = old.Close()
	require.NoError(t, c.Delete(ctx, "Old"))
	require.NoError(t, put(s, "b@x", letter(20)))
}

// What was there before the group had a limit counts, and so does what another program did, before anybody is refused.
func TestGroupIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		all := []string{"a@x", "b@x"}
		plain := &maildir.Store{Path: dir + "/%d/%n", NoSync: true}
		require.NoError(t, put(plain, "a@x", letter(700)))
		s := domains(dir, maildir.Quota{Storage: 1000}, func() []string { return all })
		require.ErrorIs(t, put(s, "b@x", letter(400)), mail.ErrOverQuota)

		other := domains(dir, maildir.Quota{Storage: 1000}, func() []string { return all })
		a, m := inboxOf(t, other, "a@x")
		_, err := m.Expunge(t.Context(), mail.AllUIDs(), nil)
		require.NoError(t, err)
		_ = m.Close()
		_ = a.Close()
		time.Sleep(2 * time.Second)
		require.NoError(t, put(s, "b@x", letter(400)))

		// An account that is gone counts no longer, whatever it leaves behind.
		require.NoError(t, put(s, "a@x", letter(600)))
		require.ErrorIs(t, put(s, "b@x", letter(100)), mail.ErrOverQuota)
		all = []string{"b@x"}
		time.Sleep(2 * time.Second)
		require.NoError(t, put(s, "b@x", letter(600)))
		require.FileExists(t, filepath.Join(dir, "x", "a", "maildirsize"))
	})
}

// While nobody can say who belongs to a group, those who are known count, and mail is let in.
func TestGroupWithoutList(t *testing.T) {
	s := domains(t.TempDir(), maildir.Quota{Storage: 1000}, nil)
	s.Groups.Accounts = func(context.Context, string) ([]string, error) { return nil, errors.New("database is down") }
	require.NoError(t, put(s, "a@x", letter(700)))
	require.ErrorIs(t, put(s, "b@x", letter(400)), mail.ErrOverQuota)
	require.NoError(t, put(s, "b@x", letter(300)))
}

// Nobody pushes others over the limit, however many append at once; what fails takes nothing.
func TestGroupAtOnce(t *testing.T) {
	var all []string
	for i := range 8 {
		all = append(all, fmt.Sprintf("u%d@x", i))
	}
	dir := t.TempDir()
	s := domains(dir, maildir.Quota{Storage: 20_000}, func() []string { return all })
	var wg sync.WaitGroup
	var stored atomic.Int64
	for _, u := range all {
		wg.Go(func() {
			for i := range 40 {
				switch err := put(s, u, letter(100+i)); {
				case err == nil:
					stored.Add(int64(100 + i))
				case !errors.Is(err, mail.ErrOverQuota):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var sum int64
	for _, u := range all {
		use, err := s.Usage(t.Context(), u)
		require.NoError(t, err)
		sum += use.Storage
	}
	require.Equal(t, stored.Load(), sum)
	require.LessOrEqual(t, sum, int64(20_000))
	require.Greater(t, sum, int64(20_000-140), "one more would have fit")
}

// A model: whatever is added, removed and counted anew, a message is refused just when the sum says so.
func TestGroupModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "pool")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		all := []string{"a@x", "b@x", "c@x"}
		s := domains(dir, maildir.Quota{Storage: 2000, Messages: 6}, func() []string { return all })
		kept := map[string][]int64{}
		sum, n := int64(0), 0
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			u := rapid.SampledFrom(all).Draw(t, "account")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				a, m := inboxOf(t, s, u)
				_, err := m.Expunge(context.Background(), mail.AllUIDs(), nil)
				require.NoError(t, err)
				_, _ = m.Close(), a.Close()
				for _, size := range kept[u] {
					sum, n = sum-size, n-1
				}
				kept[u] = nil
			case 1:
				_ = os.Remove(dir + "/x/" + u[:1] + "/maildirsize")
				_, err := s.Usage(context.Background(), u)
				require.NoError(t, err)
			default:
				size := int64(rapid.IntRange(20, 900).Draw(t, "size"))
				err := put(s, u, letter(int(size)))
				if sum+size > 2000 || n == 6 {
					require.ErrorIs(t, err, mail.ErrOverQuota)
					continue
				}
				require.NoError(t, err)
				kept[u] = append(kept[u], size)
				sum, n = sum+size, n+1
			}
		}
	})
}

// BenchmarkGroup is a message to one of a group's hundred accounts.
func BenchmarkGroup(b *testing.B) {
	for _, grouped := range []bool{false, true} {
		b.Run(fmt.Sprintf("grouped=%t", grouped), func(b *testing.B) {
			var all []string
			for i := range 100 {
				all = append(all, fmt.Sprintf("u%d@x", i))
			}
			s := domains(b.TempDir(), maildir.Quota{Storage: 1 << 40}, func() []string { return all })
			if !grouped {
				s.Groups = nil
				s.Quota = maildir.Quota{Storage: 1 << 40}
			}
			text := letter(2000)
			b.ReportAllocs()
			for i := range b.N {
				if err := put(s, all[i%100], text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
