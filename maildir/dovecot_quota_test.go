//go:build unix

package maildir_test

import (
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// TestDovecotQuota has Dovecot and us count in one maildirsize.
func TestDovecotQuota(t *testing.T) {
	d := newDovecot(t, `mail_plugins = quota
plugin {
  quota = maildir:User quota
  quota_rule = *:bytes=3000:messages=6
}`)
	ctx := t.Context()
	// used returns Dovecot's figures: octets in units of 1024, rounded up, and messages.
	used := func() string {
		out := d.run("", "-f", "tab", "quota", "get")
		var f []string
		for line := range strings.Lines(out) {
			if w := strings.Split(strings.TrimSpace(line), "\t"); w[0] == userRoot {
				f = append(f, w[1]+" "+w[2]+"/"+w[3])
			}
		}
		return strings.Join(f, ", ")
	}
	file := func() string {
		b, err := os.ReadFile(d.mail + "/maildirsize")
		require.NoError(t, err)
		return string(b)
	}
	d.run(letter(1003), "save", "-m", "INBOX") // without its three CRs
	require.Equal(t, "3000S,6C\n0 0\n1000 1\n", file())

	// Their limits bind us, and what we keep is counted for them.
	s := &maildir.Store{PathFunc: func(string) (string, error) { return d.mail, nil }, Poll: -1}
	a, q := quotaAccount(t, s)
	in := openBox(t, a, "INBOX")
	all, err := q.Quota(ctx, userRoot)
	require.NoError(t, err)
	require.Equal(t, []mail.QuotaResource{{Kind: mail.QuotaStorage, Used: 1000, Limit: 3000}, {Kind: mail.QuotaMessages, Used: 1, Limit: 6}}, all)
	require.NoError(t, add(t, in, letter(1048)))
	require.Equal(t, "3000S,6C\n0 0\n1000 1\n1048 1\n", file())
	require.Equal(t, "STORAGE 2/3, MESSAGE 2/6", used())
	require.ErrorIs(t, add(t, in, letter(1000)), mail.ErrOverQuota)
	require.Equal(t, "3000S,6C\n2048 2\n", file())

	// What we count anew, they count the same.
	before := file()
	d.run("", "quota", "recalc")
	require.Equal(t, before, file())

	// Both remove.
	_, err = in.Expunge(ctx, mail.UIDSetOf(1), nil)
	require.NoError(t, err)
	require.Equal(t, "STORAGE 2/3, MESSAGE 1/6", used())
	d.run("", "expunge", "mailbox", "INBOX", "uid", "2")
	require.Equal(t, "STORAGE 0/3, MESSAGE 0/6", used())
	all, err = q.Quota(ctx, userRoot)
	require.NoError(t, err)
	require.Equal(t, []mail.QuotaResource{{Kind: mail.QuotaStorage, Used: 0, Limit: 3000}, {Kind: mail.QuotaMessages, Used: 0, Limit: 6}}, all)

	// A mailbox that goes takes what it held with it.
	_, err = a.Create(ctx, "box", nil)
	require.NoError(t, err)
	require.NoError(t, add(t, openBox(t, a, "box"), letter(100), letter(200)))
	d.run("", "copy", "INBOX", "mailbox", "box", "all")
	require.Equal(t, "STORAGE 1/3, MESSAGE 4/6", used())
	require.NoError(t, a.Delete(ctx, "box"))
	require.Equal(t, "STORAGE 1/3, MESSAGE 2/6", used())
	d.run("", "quota", "recalc")
	require.Equal(t, "3000S,6C\n300 2\n", file())

	// Our own limit takes the place of theirs, and theirs of ours: each writes the file anew.
	own := &maildir.Store{PathFunc: s.PathFunc, Poll: -1, Quota: maildir.Quota{Storage: 9000}}
	oa, _ := quotaAccount(t, own)
	require.NoError(t, add(t, openBox(t, oa, "INBOX"), letter(4000)))
	require.Equal(t, "9000S\n300 2\n4000 1\n", file())
	require.Equal(t, "STORAGE 5/3, MESSAGE 3/6", used())
	require.Equal(t, "3000S,6C\n4300 3\n", file())
}
