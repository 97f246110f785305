package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/demo"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
)

// The commands that the demo prints do what they say, pasted into a shell as they are.
func TestDemoCommands(t *testing.T) {
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing, and CI has to have it", program)
			}
			t.Skipf("%s is not installed", program)
		}
	}
	d, err := demo.Setup(t.TempDir())
	require.NoError(t, err)
	var over []string
	for _, p := range []string{"smtp", "submission", "imap", "pop3", "lmtp", "webmail"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		over = append(over, p+"_listen="+l.Addr().String())
		require.NoError(t, l.Close())
	}
	c, err := config.Load(config.Options{File: d.MainCF, Overrides: over})
	require.NoError(t, err)
	s, err := server.Open(c, server.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	defer func() {
		cancel()
		require.NoError(t, <-done)
	}()
	var screen bytes.Buffer
	require.NoError(t, d.Welcome(&screen, &c.Settings))
	ran := 0
	for line := range strings.Lines(screen.String()) {
		if !strings.Contains(line, "curl") {
			continue
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
		require.NoError(t, err, "%s%s", line, out)
		if ran++; ran > 1 {
			require.Contains(t, string(out), "Xin chào!", line)
		}
	}
	require.Equal(t, 3, ran)
}
