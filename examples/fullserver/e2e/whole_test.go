//go:build linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/internal/proctree"
)

// whole is a mail server from SMTP to IMAP with the users u0, u1, … at example.test.
type whole struct {
	smtp, imap string
	maildirs   string // the folder with all mail
	roots      []int  // its first processes
	stop       func()
}

// wholeOfOurs is fullserver.
func wholeOfOurs(t *testing.T, users int) *whole {
	s := start(t, users)
	return &whole{smtp: s.smtp, imap: s.imap, maildirs: s.dir + "/mail", roots: []int{s.cmd.Process.Pid}, stop: s.stop}
}

// wholeOfDebian is Postfix that hands over to Dovecot by LMTP, both as Debian packs them, with limits that let all users in.
func wholeOfDebian(t *testing.T, users int) *whole {
	var passwords, mailboxes strings.Builder
	for u := range users {
		fmt.Fprintf(&passwords, "u%d@example.test:{PLAIN}secret%d\n", u, u)
		fmt.Fprintf(&mailboxes, "u%d@example.test x\n", u)
	}
	dir, err := os.MkdirTemp("", "whole") // not TempDir: its parents can't be entered by Dovecot's users
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	list := filepath.Join(dir, "users")
	require.NoError(t, os.WriteFile(list, []byte(passwords.String()), 0o644))
	lmtp := freePorts(t, 1)[0]
	d := peers.Dovecot(t, fmt.Sprintf(`protocols = imap pop3 lmtp
mail_fsync = optimized
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%%u %s
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %s
  }
}
service imap-login {
  client_limit = 5000
}
service imap {
  process_limit = 5000
}
service anvil {
  client_limit = 20000
}
service auth {
  client_limit = 20000
}
`, list, port(lmtp)))
	p := peers.Postfix(t, `compatibility_level = 3.6
myhostname = mail.example.test
mydomain = example.test
mydestination = localhost
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
virtual_mailbox_domains = example.test
virtual_mailbox_maps = hash:$config_directory/vmailbox
virtual_transport = lmtp:inet:`+lmtp+"\n", map[string]string{"etc/vmailbox": mailboxes.String()})
	return &whole{smtp: p.SMTP, imap: d.IMAP, maildirs: d.Dir + "/mail", roots: []int{d.PID(), p.PID()}, stop: func() { p.Stop(); d.Stop() }}
}

// cpu is the processor time of all its processes so far.
func (w *whole) cpu() (all time.Duration) {
	for _, pid := range w.roots {
		all += proctree.CPU(pid)
	}
	return all
}

// memory is what all its processes hold, in octets.
func (w *whole) memory(t *testing.T) (all int64) {
	for _, pid := range w.roots {
		n, err := proctree.Memory(pid)
		require.NoError(t, err)
		all += n
	}
	return all
}

// delivered counts the messages that lie in new and cur, of all users.
func (w *whole) delivered(t *testing.T) (n int) {
	folders, err := filepath.Glob(w.maildirs + "/*/new")
	require.NoError(t, err)
	if nested, _ := filepath.Glob(w.maildirs + "/*/*/new"); len(nested) > 0 {
		folders = nested
	}
	for _, dir := range folders {
		for _, d := range []string{dir, filepath.Dir(dir) + "/cur"} {
			f, err := os.Open(d)
			require.NoError(t, err)
			names, err := f.Readdirnames(-1)
			f.Close()
			require.NoError(t, err)
			n += len(names)
		}
	}
	return n
}

// arrived waits until there are n messages.
func (w *whole) arrived(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		have := w.delivered(t)
		if have >= n {
			return
		}
		require.True(t, time.Now().Before(end), "%d of %d messages have arrived", have, n)
	}
}

// login logs a user in, without TLS, and leaves him in IDLE.
func (w *whole) login(u int) (*idler, error) {
	c, err := net.Dial("tcp", w.imap)
	if err != nil {
		return nil, err
	}
	return idlerOn(c, u)
}
