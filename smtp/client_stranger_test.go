package smtp_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp"
)

// smtpSink starts Postfix's test server. A test that lacks it is skipped, and fails where CI is set.
func smtpSink(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("smtp-sink")
	if err != nil {
		path = "/usr/sbin/smtp-sink"
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("smtp-sink (Debian's postfix) is missing")
		}
		t.Skip("smtp-sink (Debian's postfix) is missing")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	l.Close()
	if os.Getuid() == 0 {
		args = append(args, "-u", "nobody")
	}
	cmd := exec.Command(path, append(args, addr, "100")...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond, "smtp-sink doesn't listen: %s", &out)
	return addr
}

// What Postfix's smtp-sink writes down is what went in, dots and all, with pipelining and without, by LMTP too.
func TestStrangerSmtpSink(t *testing.T) {
	message := "Subject: x\r\n\r\n.\r\n..\r\n.dot\r\ntiếng Việt\r\n" + strings.Repeat("0123456789\r\n", 20_000)
	for name, args := range map[string][]string{"pipelined": nil, "plain": {"-p"}, "HELO": {"-e"}, "LMTP": {"-L"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Chmod(dir, 0o777))
			require.NoError(t, os.Chmod(filepath.Dir(dir), 0o777))
			addr := smtpSink(t, append(args, "-d", filepath.Join(dir, "m"))...)
			c, err := smtp.Dial(context.Background(), addr, &smtp.ClientOptions{LocalName: "c.example.org", LMTP: name == "LMTP"})
			require.NoError(t, err)
			defer c.Close()
			for range 3 {
				results, err := sendOn(c, envelopeOf("a@example.org", "b@example.net", "c@example.net"), message)
				require.NoError(t, err)
				require.Len(t, results, 2)
				require.True(t, results[1].Reply.OK())
			}
			require.NoError(t, c.Quit(context.Background()))
			files, err := filepath.Glob(filepath.Join(dir, "m*"))
			require.NoError(t, err)
			require.Len(t, files, 3)
			for _, f := range files {
				b, err := os.ReadFile(f)
				require.NoError(t, err)
				require.Contains(t, string(b), strings.ReplaceAll(message, "\r\n", "\n"))
			}
		})
	}
}

// Replies of a stranger that refuses.
func TestStrangerSmtpSinkRefuses(t *testing.T) {
	addr := smtpSink(t, "-r", "RCPT")
	c, err := smtp.Dial(context.Background(), addr, &smtp.ClientOptions{LocalName: "c.example.org"})
	require.NoError(t, err)
	defer c.Close()
	results, err := sendOn(c, envelopeOf("a@example.org", "b@example.net"), note)
	require.NoError(t, err)
	require.True(t, results[0].Reply.Temporary(), results[0].Reply)
	require.Contains(t, results[0].Detail, "(in reply to RCPT TO command)")
	results, err = sendOn(c, envelopeOf("a@example.org", "b@example.net"), note)
	require.NoError(t, err)
	require.True(t, results[0].Reply.Temporary())
}
