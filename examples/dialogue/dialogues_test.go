package main

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
)

// tapped explains what goes over a connection.
type tapped struct {
	net.Conn
	mu    *sync.Mutex
	s     *explain.Session
	notes *[]explain.Note
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.feed(explain.Server, p[:n])
	return n, err
}

func (c *tapped) Write(p []byte) (int, error) {
	c.feed(explain.Client, p)
	return c.Conn.Write(p)
}

func (c *tapped) feed(side explain.Side, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.notes = append(*c.notes, c.s.Feed(side, b)...)
}

// All dialogues of docs/dialogues are played against fullserver, and every line that either side says is explained. Servers' answers never look
// like a mistake, and lead only where the drawn machine has a way.
func TestDialoguesAreExplained(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/users", []byte("user1@example.test:{PLAIN}secret\n"), 0o600))
	params := []string{"data_directory=" + dir, "myhostname=mail.example.test", "mydomain=example.test", "virtual_mailbox_domains=example.test", "passwd_file=" + dir + "/users",
		"mynetworks=127.0.0.9/32", "maillog_file=" + dir + "/mail.log", "mail_location=maildir:" + dir + "/mail/%d/%n", "disable_plaintext_auth=no", "auth_failure_delay=0s", "mail_auth_check=no", "submission_listen=", "smtpd_error_sleep_time=0"}
	protocols := []script.Protocol{script.SMTP, script.LMTP, script.IMAP, script.POP3}
	for _, p := range protocols {
		params = append(params, string(p)+"_listen=127.0.0.1:0")
	}
	c, err := config.Load(config.Options{Overrides: params})
	require.NoError(t, err)
	s, err := server.Open(c, server.Options{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	defer func() {
		stop()
		require.NoError(t, <-done)
	}()
	var mu sync.Mutex
	var notes []explain.Note
	target := &script.Target{Name: "buuta", User: "user1@example.test", Password: "secret", From: "user1@example.test", To: "user1@example.test", Timeout: time.Minute, Dial: map[script.Protocol]script.Dialer{}}
	for _, p := range protocols {
		addr := s.Addrs(string(p) + "_listen")[0].String()
		target.Dial[p] = func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", addr)
			return &tapped{conn, &mu, explain.New(explain.Protocol(p)), &notes}, err
		}
	}
	scripts, err := script.All()
	require.NoError(t, err)
	r := script.NewRunner(target)
	played := 0
	for _, one := range scripts {
		for _, k := range one.Cases {
			if k.Kind == script.Usual && k.Protocol != script.ManageSieve {
				r.Run(ctx, k)
				played++
			}
		}
	}
	require.NoError(t, r.Close(ctx))
	mu.Lock()
	defer mu.Unlock()
	require.Greater(t, played, 200)
	require.Greater(t, len(notes), 5000)
	said, wrong := map[string]int{}, map[string]bool{}
	for _, n := range notes {
		bad := n.Unknown || !explain.MachineOf(n.Protocol).Leads(n.Before.Server, n.After.Server) || n.Side == explain.Server && len(n.Mistakes) > 0
		for _, m := range n.Says {
			said[m.Key]++
			bad = bad || m.Key == "imap.tag-unknown" || m.Key == "imap.untagged.other"
		}
		if bad {
			wrong[string(n.Protocol)+": "+n.Text] = true
		}
	}
	require.Empty(t, wrong)
	t.Logf("%d cases, %d lines, %d sentences", played, len(notes), len(said))
	require.NotContains(t, strings.Join(words(notes), " "), "secret ")
}

func words(notes []explain.Note) []string {
	var out []string
	for _, n := range notes {
		if n.Kind == explain.Exchange {
			out = append(out, n.Text)
		}
	}
	return out
}
