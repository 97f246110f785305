package server_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/examples/fullserver/server"
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
	more = []string{"virtual_alias_maps=inline:{team@example.test=alice@example.test}", "smtpd_banner=$myhostname changed", "relay_domains=inside.test"}
	require.NoError(t, queuecmd.Reload(t.Context(), filepath.Join(dir, queuecmd.SocketName)))
	require.Equal(t, "250 2.1.5 Ok", m.say("RCPT TO:<team@example.test>", "5", "2"))
	require.Equal(t, "250 2.1.5 Ok", m.say("RCPT TO:<x@inside.test>", "5", "2"))
	r.logged(`postfix/master\[\d+\]: warning: smtpd_banner has changed: it counts after a restart\n`)
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
