//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHostileDamage: the files of a mailbox are damaged while it is in use: no message is lost, no UID means another one, and a
// session that has the wrong UIDs is sent away.
func TestHostileDamage(t *testing.T) {
	s := start(t, 1)
	box := s.dir + "/mail/example.test/u0/"
	y := newTypist(s.imap, "u0", "secret0")
	n := 0
	add := func() {
		n++
		require.Contains(t, y.do("APPEND INBOX", fmt.Sprintf("Subject: m%d\r\n\r\nx\r\n", n)), fmt.Sprintf(" %d] APPEND", n))
	}
	for range 3 {
		add()
	}
	_, validity := look(t, y, "INBOX")
	damage := func(name string, change func([]byte) []byte) {
		b, err := os.ReadFile(box + name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(box+name, change(b), 0o600))
	}
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	longer := func(b []byte) []byte { return append(b, "garbage\n\x00\n1 :x\n99999999999 :y\n"...) }
	garble := func(b []byte) []byte { return bytes.Repeat([]byte("garbage\xff\x00\n"), 100) }
	nothing := func([]byte) []byte { return nil }
	for _, name := range []string{"buuta.index.log", "buuta.index.cache", "dovecot-uidlist"} {
		for _, change := range []func([]byte) []byte{longer, cut, garble, nothing} {
			if name == "dovecot-uidlist" {
				time.Sleep(2 * time.Millisecond) // its time is how other programs' changes are seen
			}
			damage(name, change)
			for _, c := range []*typist{y, newTypist(s.imap, "u0", "secret0")} {
				got, v := look(t, c, "INBOX")
				require.Equal(t, validity, v, name)
				require.Len(t, got, n, name)
				for uid, m := range got {
					require.Equal(t, fmt.Sprintf("m%d", uid), m.key, name)
				}
				require.Contains(t, c.do("FETCH 1:* (ENVELOPE BODYSTRUCTURE)"), fmt.Sprintf(`"m%d"`, n), name)
			}
			add()
		}
	}
	// Another program writes a list of its own: this session's UIDs are no more.
	lines := strings.SplitN(string(first(os.ReadFile(box+"dovecot-uidlist"))), "\n", 2)
	require.NoError(t, os.WriteFile(box+"dovecot-uidlist", []byte("3 V77 N1 G0123456789abcdef0123456789abcdef\n1 :nonesuch\n"), 0o600))
	require.Contains(t, lines[0], "V"+validity)
	out := y.do(`UID STORE 2 +FLAGS (\Deleted)`) + y.do("UID EXPUNGE 2") + y.do("NOOP")
	require.NotContains(t, out, "EXPUNGE\n")
	y.do("NOOP")
	require.False(t, y.ok, "the session goes on: %s", out)
	got, v := look(t, newTypist(s.imap, "u0", "secret0"), "INBOX")
	require.Equal(t, "77", v)
	require.Len(t, got, n, "nothing was deleted by UIDs of before")
}

func first(b []byte, _ error) []byte { return b }

// TestHostileSpool: what has no business in the queue is set aside or left alone, at the start and while it runs, and mail goes on.
func TestHostileSpool(t *testing.T) {
	far := newCatcher(t)
	s := start(t, 1, "relayhost", bracketed(far.addr), "minimal_backoff_time", "1s", "maximal_backoff_time", "1s", "queue_run_delay", "1s")
	s.kill()
	q := s.dir + "/queue/"
	for k, dir := range []string{"active", "incoming", "deferred"} {
		require.NoError(t, os.MkdirAll(q+dir, 0o700))
		for i, b := range []string{"", "x", strings.Repeat("garbage\n", 1000), "Buuta-Queue-File: 01 0000000116 0000000000001848 7353774d 7e93ba51 aabf514f\nmessage id="} {
			require.NoError(t, os.WriteFile(fmt.Sprintf("%s%s/AAAAA%c%d", q, dir, 'A'+k, i), []byte(b), 0o600))
		}
	}
	require.NoError(t, syscall.Mkfifo(q+"deferred/AAAAAD1", 0o600))
	require.NoError(t, os.Symlink("/dev/zero", q+"incoming/AAAAAD2"))
	require.NoError(t, os.Mkdir(q+"deferred/AAAAAD3", 0o700))
	for _, name := range []string{"not a queue file", ".hidden", "a\nb", "tmp.x"} {
		require.NoError(t, os.WriteFile(q+"deferred/"+name, []byte("x"), 0o600))
	}
	s.startAgain()
	d := dial(t, s.smtp)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	d.smtp("MAIL FROM:<u0@example.test>")
	d.smtp("RCPT TO:<far@elsewhere.test>")
	d.smtp("DATA")
	require.Regexp(t, `^250 `, d.smtp("Subject: key00000001\r\n\r\nx\r\n."))
	eventually(t, time.Minute, func() error {
		if !far.has("key00000001") {
			return fmt.Errorf("mail does not go on")
		}
		aside, _ := filepath.Glob(q + "corrupt/AAAA*")
		if len(aside) != 15 {
			return fmt.Errorf("%d set aside: %q", len(aside), aside)
		}
		return nil
	})
	require.NoError(t, match(`AAAAAA0: damaged queue file set aside`, s.log()))
}
