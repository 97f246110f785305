package maildir_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// tree returns every path below dir.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, p)
		out = append(out, rel)
		return err
	}))
	return out
}

// evilNames try to get out of the folder they are put in.
var evilNames = []string{
	"", ".", "..", "../x", "x/..", "../../etc/passwd", "/etc/passwd", "a/../../b", "a/./b", "a\x00b", "a\x00/../b", "a\nb", "a\\..\\..\\b/..",
	"..\\x/../y", "C:/x/..", "//x", "x//", "x/../../../../../../tmp/evil", "\xff\xfe", "a/\x7f", strings.Repeat("../", 50) + "tmp",
}

// TestAccountPathTraversal: no account's name leads out of the pattern's folder, or into another account's.
func TestAccountPathTraversal(t *testing.T) {
	base := t.TempDir()
	require.NoError(t, os.Mkdir(base+"/mail", 0o700))
	for _, pattern := range []string{"/mail/%u", "/mail/%d/%n", "/mail/%Ld/%Ln", "/mail/%n"} {
		s := &maildir.Store{Path: base + pattern}
		for _, name := range evilNames {
			for _, account := range []string{name, name + "@example.test", "user@" + name} {
				_, err := s.Account(t.Context(), account)
				require.ErrorIs(t, err, mail.ErrNoAccount, "%q with %q", account, pattern)
			}
		}
		for _, account := range []string{".hidden@x.test", "a@.x", ".@.", "a:b", "a/b@c", "a@b/c", strings.Repeat("a", 300)} {
			_, err := s.Account(t.Context(), account)
			require.ErrorIs(t, err, mail.ErrNoAccount, "%q with %q", account, pattern)
		}
	}
	require.Equal(t, []string{".", "mail"}, tree(t, base))
}

// An account without a domain doesn't exist where the pattern has one: it would be the folder of a domain.
func TestAccountWithoutDomain(t *testing.T) {
	s := &maildir.Store{Path: t.TempDir() + "/%d/%n"}
	_, err := s.Account(t.Context(), "example.test")
	require.ErrorIs(t, err, mail.ErrNoAccount)
}

func TestPathVariables(t *testing.T) {
	base := t.TempDir()
	for pattern, want := range map[string]string{
		"%u": "Al@b@Ex.test", "%Lu": "al@b@ex.test", "%d/%n": "Ex.test/Al@b", "%Ld-%Ln": "ex.test-al@b", "100%%/%n": "100%/Al@b", "%n/Maildir": "Al@b/Maildir",
	} {
		s := &maildir.Store{Path: base + "/" + pattern}
		a, err := s.Account(t.Context(), "Al@b@Ex.test")
		require.NoError(t, err)
		m, err := a.Open(t.Context(), "INBOX")
		require.NoError(t, err)
		require.DirExists(t, base+"/"+want+"/new")
		m.Close()
		a.Close()
	}
	for _, bad := range []string{"", "%", "%L", "/x/%q", "%Lx"} {
		_, err := (&maildir.Store{Path: bad}).Account(t.Context(), "a@b")
		require.Error(t, err, bad)
		require.NotErrorIs(t, err, mail.ErrNoAccount, bad)
	}
}

func TestMustExist(t *testing.T) {
	base := t.TempDir()
	s := &maildir.Store{Path: base + "/%n", MustExist: true}
	_, err := s.Account(t.Context(), "a@b")
	require.ErrorIs(t, err, mail.ErrNoAccount)
	require.Equal(t, []string{"."}, tree(t, base))
	require.NoError(t, os.Mkdir(base+"/a", 0o700))
	a, err := s.Account(t.Context(), "a@b")
	require.NoError(t, err)
	require.NoError(t, a.Close())
}

// TestMailboxPathTraversal: no mailbox's name leads out of the account's folder; refused names make nothing.
func TestMailboxPathTraversal(t *testing.T) {
	base := t.TempDir()
	s := &maildir.Store{Path: base + "/in/%n", NoSync: true}
	a, err := s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	m, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer m.Close()
	_, err = a.Create(t.Context(), "ok", nil)
	require.NoError(t, err)
	require.NoError(t, a.Subscribe(t.Context(), "ok", true))
	before := tree(t, base)
	for _, name := range evilNames {
		_, err := a.Create(t.Context(), name, nil)
		require.ErrorIs(t, err, mail.ErrBadName, "%q", name)
		_, err = a.Open(t.Context(), name)
		require.ErrorIs(t, err, mail.ErrNoMailbox, "%q", name)
		_, err = a.Status(t.Context(), name)
		require.ErrorIs(t, err, mail.ErrNoMailbox, "%q", name)
		require.ErrorIs(t, a.Delete(t.Context(), name), mail.ErrNoMailbox, "%q", name)
		require.ErrorIs(t, a.Rename(t.Context(), "ok", name), mail.ErrBadName, "%q", name)
		require.ErrorIs(t, a.Rename(t.Context(), name, "x"), mail.ErrNoMailbox, "%q", name)
		require.ErrorIs(t, a.Subscribe(t.Context(), name, true), mail.ErrBadName, "%q", name)
	}
	require.Equal(t, before, tree(t, base))
	// Names that only look bad stay within, one folder each.
	for _, name := range []string{"..x", "x..", "...", "a\\..\\b", "~root", "new", "C:", "a/....", "dovecot-uidlist"} {
		_, err := a.Create(t.Context(), name, nil)
		require.NoError(t, err, "%q", name)
	}
	for _, p := range tree(t, base)[1:] {
		require.True(t, p == "in" || p == "in/u" || strings.HasPrefix(p, "in/u/"), p)
	}
}

// A UID list or an index that names files elsewhere is not followed.
func TestListPathTraversal(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.fs.MkdirAll("/mail/other/cur", 0o700))
	r.write("../other/cur/secret:2,", "secret\r\n")
	r.write("dovecot-uidlist", "3 V5 N9 G0123456789abcdef0123456789abcdef\n1 :../../other/cur/secret\n2 :/etc/passwd\n3 :ok\n")
	r.write("cur/ok:2,", "ok\r\n")
	require.Equal(t, []string{`3 : "ok\r\n"`}, r.show(r.open("INBOX")))
}

func TestLimits(t *testing.T) {
	s := &maildir.Store{Path: t.TempDir() + "/%u", NoSync: true, Limits: maildir.Limits{MessageSize: 100, Mailboxes: 4, Depth: 3, History: 8}}
	a, err := s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	m, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer m.Close()
	ap, err := m.Append(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, ap.Add(t.Context(), strings.NewReader(strings.Repeat("x", 101)), nil), mail.ErrTooLarge)
	require.NoError(t, ap.Add(t.Context(), strings.NewReader(strings.Repeat("x", 100)), nil))
	require.NoError(t, ap.Abort())

	_, err = a.Create(t.Context(), "a/b/c/d", nil)
	require.ErrorIs(t, err, mail.ErrBadName)
	_, err = a.Create(t.Context(), "a/b/c", nil)
	require.NoError(t, err)
	_, err = a.Create(t.Context(), "e", nil)
	require.ErrorIs(t, err, mail.ErrLimit)

	// What was expunged is remembered for a while; who asks for more is told so.
	first, err := m.State(t.Context())
	require.NoError(t, err)
	for range 40 {
		got := addTo(t, m, "x\r\n")
		_, err := m.Expunge(t.Context(), mail.UIDSetOf(got.UIDs...), nil)
		require.NoError(t, err)
	}
	_, err = m.Changes(t.Context(), first.HighestModSeq)
	require.ErrorIs(t, err, mail.ErrTooOld)
	last, err := m.State(t.Context())
	require.NoError(t, err)
	c, err := m.Changes(t.Context(), last.HighestModSeq-4)
	require.NoError(t, err)
	require.Equal(t, "39:40", c.Vanished.String())
	c, err = m.Changes(t.Context(), last.HighestModSeq+1)
	require.ErrorIs(t, err, mail.ErrTooOld, "%v", c)
}
