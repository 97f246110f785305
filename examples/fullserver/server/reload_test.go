package server_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/milter/miltertest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Reloading swaps the rules for addresses at once, in sessions that there are too, and drops no connection. A main.cf that is wrong changes nothing.
func TestReloadConfig(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}secret\n")
	params := append(base(dir), "recipient_delimiter=+")
	more := []string{}
	var wrong error
	s, err := server.Open(load(t, params...), server.Options{Config: func() (*config.Config, error) {
		if wrong != nil {
			return nil, wrong
		}
		return config.Load(config.Options{Overrides: append(params, more...)})
	}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, dir: dir, s: s, stop: cancel, done: make(chan error, 1)}
	go func() { r.done <- s.Serve(ctx, nil) }()
	t.Cleanup(r.end)

	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<s@far.test>", "250 ")
	require.Equal(t, "550 5.1.1 <team@example.test>: Recipient address rejected: User unknown in virtual mailbox table", m.say("RCPT TO:<team@example.test>", "5", "2"))
	more = []string{"virtual_alias_maps=inline:{team@example.test=alice@example.test}", "queue_run_delay=7s", "relay_domains=inside.test"}
	require.NoError(t, queuecmd.Reload(t.Context(), filepath.Join(dir, queuecmd.SocketName)))
	require.Equal(t, "250 2.1.5 Ok", m.say("RCPT TO:<team@example.test>", "5", "2"))
	require.Equal(t, "250 2.1.5 Ok", m.say("RCPT TO:<x@inside.test>", "5", "2"))
	r.logged(`postfix/master\[\d+\]: warning: queue_run_delay has changed: it counts after a restart\n`)
	require.NotContains(t, r.log(), "relay_domains has changed")

	for _, w := range []error{errors.New("main.cf, line 3: x: broken"), nil} {
		wrong, more = w, []string{"virtual_alias_maps=hash:/nonexistent"}
		s.Reload()
		require.Equal(t, "250 2.1.5 Ok", m.say("RCPT TO:<team@example.test>", "5", "2"))
	}
	r.logged(`warning: main.cf, line 3: x: broken\n`)
	r.logged(`warning: virtual_alias_maps: /nonexistent: open: no such file or directory; `)
	require.ErrorIs(t, queuecmd.Reload(t.Context(), filepath.Join(dir, "none")), queuecmd.ErrNotRunning)
}

// Patterns for headers and bodies are read again, in files whose names stay the same, too, and count for the next message; one that is wrong changes nothing.
func TestReloadChecks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "header_checks")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("/^Subject: spam/ REJECT we want none\n")
	r := start(t, "header_checks=regexp:"+file)
	gets := func(want, subject, text string) {
		t.Helper()
		require.Contains(t, r.send("s@far.test", "alice@example.test", "Subject: "+subject+"\r\n\r\n"+text+"\r\n"), want)
	}
	gets("550 5.7.1 we want none", "spam", "x")
	gets("250 2.0.0 Ok", "ham", "x")

	write("/^Subject: ham/ REJECT no longer\n")
	r.more = []string{"body_checks=regexp:{{/^secret/ REJECT not here}}"}
	r.s.Reload()
	gets("550 5.7.1 no longer", "ham", "x")
	gets("550 5.7.1 not here", "spam", "secret")
	gets("250 2.0.0 Ok", "spam", "x")
	require.NotContains(t, r.log(), "after a restart")

	r.more = []string{"body_checks=regexp:" + file + "-none"}
	r.s.Reload()

	r.logged(`body_checks: .*-none: open: no such file`)
	gets("550 5.7.1 not here", "spam", "secret")
}

// New sessions have the parameters of a door that main.cf and master.cf have when they are read again: what a client may do, milters, filters, the greeting. Those
// that there are keep theirs, and end when they end.
func TestReloadDoors(t *testing.T) {
	mil := miltertest.NewServer(t)
	mil.SetAnswers(map[string][]string{"M": {"y550 5.7.9 no\x00"}})
	const doors = "127.0.0.1:0 inet n - n - - smtpd -o smtpd_sender_restrictions="
	r := withMaster(t, "", doors+"\n")
	change := func(mainCF, masterCF string) {
		t.Helper()
		for name, text := range map[string]string{"main.cf": mainCF, "master.cf": masterCF} {
			old, err := os.ReadFile(filepath.Join(r.dir, name))
			require.NoError(t, err)
			if name == "master.cf" {
				old = nil
			}
			require.NoError(t, os.WriteFile(filepath.Join(r.dir, name), append(old, text+"\n"...), 0o600))
		}
		require.NoError(t, queuecmd.Reload(t.Context(), filepath.Join(r.dir, queuecmd.SocketName)))
	}
	const key = "127.0.0.1:0/inet"
	old := r.dial(key)
	require.Contains(t, old.until("220 "), "ESMTP")
	old.say("EHLO c.test", "250 ")

	change("smtpd_banner = $myhostname new\nsmtpd_milters = inet:"+mil.Addr(), doors+" -o smtpd_discard_ehlo_keywords=vrfy -o smtpd_hard_error_limit=1")
	fresh := r.dial(key)
	require.Equal(t, "220 mail.example.test new", strings.TrimSpace(fresh.until("220 ")))
	require.NotContains(t, fresh.say("EHLO c.test", "250 "), "VRFY")
	require.Contains(t, fresh.say("MAIL FROM:<s@far.test>", "5", "2"), "550 5.7.9 no")
	require.Contains(t, old.say("MAIL FROM:<s@far.test>", "5", "2"), "250 2.1.0 Ok", "no milter knows it")
	old.say("RCPT TO:<alice@example.test>", "250 ")
	old.say("DATA", "354 ")

	change("smtpd_milters = inet:", doors)
	r.logged(`warning: .*main\.cf, line \d+: smtpd_milters: inet:: is not of the form inet:host:port\n`)
	again := r.dial(key)
	again.until("220 mail.example.test new")
	change("smtpd_milters =", doors)
	last := r.dial(key)
	last.until("220 mail.example.test new")
	require.Contains(t, last.say("EHLO c.test", "250 "), "VRFY")
	last.say("MAIL FROM:<s@far.test>", "250 ")
	old.say("Subject: x\r\n\r\nx\r\n.", "250 ")
	old.say("QUIT", "221 ")
	require.NotContains(t, r.log(), "counts after a restart")
	require.Contains(t, r.inbox("alice", "secret", 1), "Subject: x")
}

// Reading main.cf again while clients come and go loses none of them.
func TestReloadUnderLoad(t *testing.T) {
	r := withMaster(t, "", "127.0.0.1:0 inet n - n - - smtpd -o smtpd_client_connection_count_limit=0\n")
	addr := r.s.Addrs("127.0.0.1:0/inet")[0].String()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := smtp.Dial(t.Context(), addr, &smtp.ClientOptions{TLS: smtp.TLSNone})
				if !assert.NoError(t, err) {
					return
				}
				assert.NoError(t, c.Noop(t.Context()))
				assert.NoError(t, c.Quit(t.Context()))
			}
		})
	}
	for i := range 20 {
		old, err := os.ReadFile(filepath.Join(r.dir, "main.cf"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(r.dir, "main.cf"), append(old, fmt.Sprintf("smtpd_banner = $myhostname %d\n", i)...), 0o600))
		r.s.Reload()
	}
	close(stop)
	all.Wait()
	m := r.dial("127.0.0.1:0/inet")
	m.until("220 mail.example.test 19")
}

// So does postscreen: new clients are tested by the rules that there are now.
func TestReloadPostscreen(t *testing.T) {
	r := withMaster(t, "postscreen_greet_wait = 1s\npostscreen_access_list = static:permit\n", "127.0.0.1:0 inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n")
	const key = "127.0.0.1:0/inet"
	old := r.dial(key)
	old.until("220 ")
	main, err := os.ReadFile(filepath.Join(r.dir, "main.cf"))
	require.NoError(t, err)
	text := strings.Replace(string(main), "static:permit", "static:reject\npostscreen_denylist_action = drop\nsmtpd_banner = $myhostname new", 1)
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "main.cf"), []byte(text), 0o600))
	r.s.Reload()
	require.Contains(t, r.dial(key).until("521 "), "521 5.3.2 Service currently unavailable")
	old.say("EHLO c.test", "250 ")
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "main.cf"), []byte(strings.Replace(text, "static:reject", "static:permit", 1)), 0o600))
	r.s.Reload()
	r.dial(key).until("220 mail.example.test new")
	old.say("QUIT", "221 ")
	require.NotContains(t, r.log(), "counts after a restart")
}
