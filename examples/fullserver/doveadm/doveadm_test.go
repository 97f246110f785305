package doveadm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/doveadm"
)

// -A, masks and -F do a command for many, each line begins with whose it is, and one who isn't there stops nobody.
func TestManyUsers(t *testing.T) {
	b := backend(t, "an", "binh", "chi")
	for _, u := range []string{"an", "chi"} {
		_, errs, status := run(b, first, "save", "-u", u)
		require.Zero(t, status, errs)
	}
	out, _, status := run(b, "", "-f", "tab", "fetch", "-A", "uid hdr.subject", "all")
	require.Zero(t, status)
	require.Equal(t, "Username\tuid\thdr.subject\nan@example.test\t1\thello\nchi@example.test\t1\thello\n", out)
	out, _, status = run(b, "", "mailbox", "status", "-u", "*n*", "messages", "INBOX")
	require.Zero(t, status)
	require.Equal(t, "an@example.test INBOX messages=1\nbinh@example.test INBOX messages=0\n", out)
	file := filepath.Join(t.TempDir(), "who")
	require.NoError(t, os.WriteFile(file, []byte("chi\n\nnobody\nan\n"), 0o600))
	words, err := doveadm.Prepare([]string{"-f", "flow", "search", "-F", file, "all"}, os.Getenv)
	require.NoError(t, err)
	require.NoError(t, os.Remove(file)) // the server needs it no more
	out, errs, status := run(b, "", words...)
	require.Equal(t, 67, status)
	require.Equal(t, 2, strings.Count(out, "\n"), out)
	require.Equal(t, "doveadm(nobody): Error: User doesn't exist\n", errs)
}

// Who calls is meant where nobody is named, as with Dovecot.
func TestPrepare(t *testing.T) {
	getenv := func(user string) func(string) string { return func(string) string { return user } }
	for _, c := range []struct{ args, user, want string }{
		{"search all", "an", "search -uan all"},
		{"-f tab mailbox list -s", "an", "-f tab mailbox list -s -uan"},
		{"fetch -- uid all", "an", "fetch -uan -- uid all"},
		{"search all", "root", "search all"},
		{"search -u binh all", "an", "search -u binh all"},
		{"search -A all", "an", "search -A all"},
		{"who", "an", "who"},
		{"", "an", ""},
		{"nosuch x", "an", "nosuch x"},
	} {
		got, err := doveadm.Prepare(strings.Fields(c.args), getenv(c.user))
		require.NoError(t, err)
		require.Equal(t, c.want, strings.Join(got, " "))
	}
	_, err := doveadm.Prepare([]string{"search", "-F", "/nonexistent", "all"}, getenv(""))
	require.Error(t, err)
}

// Mail that lies elsewhere is copied with its flags and dates; it stays as it is, and mailboxes that are here already are added to.
func TestImport(t *testing.T) {
	old, now := backend(t, "an"), backend(t, "binh")
	for _, words := range []string{"mailbox create -u an Lists/Go", "save -u an -m Lists/Go", "save -u an", `flags add -u an \Flagged mailbox INBOX`} {
		_, errs, status := run(old, first, strings.Fields(words)...)
		require.Zero(t, status, errs)
	}
	where, err := old.Location("an@example.test")
	require.NoError(t, err)
	for range 2 {
		_, errs, status := run(now, "", "import", "-s", "-u", "binh", where, "old", "all")
		require.Zero(t, status, errs)
	}
	out, _, _ := run(now, "", "-f", "tab", "fetch", "-u", "binh", "mailbox flags hdr.subject", "flagged", "OR", "mailbox", "old/Lists/Go")
	require.Equal(t, "mailbox\tflags\thdr.subject\n"+strings.Repeat("old/INBOX\t\\Flagged\thello\n", 2)+strings.Repeat("old/Lists/Go\t\thello\n", 2), out)
	out, _, _ = run(now, "", "mailbox", "list", "-s", "-u", "binh")
	require.Equal(t, "old/INBOX\nold/Lists/Go\n", out)
	_, errs, status := run(now, "", "import", "-u", "binh", "mbox:/x", "", "all")
	require.Equal(t, 75, status)
	require.NotEmpty(t, errs)
}

// who and kick show and end the sessions that a server tells of.
func TestWho(t *testing.T) {
	b := backend(t, "an")
	_, errs, status := run(b, "", "who")
	require.Equal(t, 75, status)
	require.Contains(t, errs, "no server is running")
	sessions := []doveadm.Session{{User: "an@example.test", Protocol: "imap", IP: "192.0.2.1", ID: 7, Began: time.Now()}, {User: "binh@example.test", Protocol: "pop3", IP: "2001:db8::1", ID: 8},
		{User: "an@example.test", Protocol: "imap", IP: "192.0.2.1", ID: 9}}
	b.Sessions = func() []doveadm.Session { return append([]doveadm.Session(nil), sessions...) }
	b.Kick = func(match func(doveadm.Session) bool) (out []doveadm.Session) {
		for _, s := range sessions {
			if match(s) {
				out = append(out, s)
			}
		}
		return out
	}
	out, _, _ := run(b, "", "who")
	require.Equal(t, "username          # proto (pids) (ips)\nan@example.test   2 imap  (7 9)  (192.0.2.1)\nbinh@example.test 1 pop3  (8)    (2001:db8::1)\n", out)
	out, _, _ = run(b, "", "-f", "tab", "who", "-1", "192.0.2.0/24")
	require.Equal(t, "username\tproto\tpid\tip\nan@example.test\timap\t7\t192.0.2.1\nan@example.test\timap\t9\t192.0.2.1\n", out)
	out, _, status = run(b, "", "kick", "binh*")
	require.Zero(t, status)
	require.Equal(t, "kicked connections from the following users:\nbinh@example.test\n", out)
	out, _, status = run(b, "", "kick", "nobody")
	require.Equal(t, 68, status)
	require.Equal(t, "no users kicked\n", out)
}

func FuzzQuery(f *testing.F) {
	f.Add("mailbox INBOX ( seen or not flagged ) since 2weeks")
	f.Add("uid 1:* larger 2M header x y")
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Fields(text)
		if len(words) == 0 {
			return
		}
		q, err := doveadm.ParseQuery(words, time.Unix(1e9, 0))
		if (q == nil) != (err != nil) {
			t.Fatal(q, err)
		}
	})
}
