package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const sender = "sender@example.org"

// senders put letters into a server, each with another program.
var senders = []struct {
	program string
	share   int // of 100 letters
	fits    func(l letter) bool
	send    func(t *testing.T, s *server, letters []letter)
}{
	{"swaks", 5, nil, sendSwaks},
	{"msmtp", 10, nil, sendMsmtp},
	{"curl", 15, nil, sendCurl},
	{"telnet", 2, func(l letter) bool { return l.kind == "plain" || l.kind == "dots" }, sendTelnet},
	{"python3", 100, nil, sendPython},
}

// sendAll deals the letters out to the senders and waits for all of them.
func sendAll(t *testing.T, s *server, letters []letter) {
	hands := make([][]letter, len(senders))
	for _, l := range letters {
		for i, p := range senders {
			if len(hands[i])*100 < p.share*len(letters) && (p.fits == nil || p.fits(l)) {
				hands[i] = append(hands[i], l)
				break
			}
		}
	}
	dealt := 0
	require.True(t, t.Run("send", func(t *testing.T) {
		for i, p := range slices.Backward(senders) { // the one with the most of it begins
			t.Logf("%s sends %d", p.program, len(hands[i]))
			require.NotEmpty(t, hands[i], p.program)
			dealt += len(hands[i])
			t.Run(p.program, func(t *testing.T) {
				t.Parallel() // each waits for the server's disk, one message at a time
				p.send(t, s, hands[i])
			})
		}
	}))
	require.Len(t, letters, dealt)
}

func sendPython(t *testing.T, s *server, letters []letter) {
	args := []string{s.smtp, sender}
	for _, l := range letters {
		args = append(args, l.user+"="+l.file)
	}
	python(t, "send.py", args...)
}

func sendSwaks(t *testing.T, s *server, letters []letter) {
	for _, l := range letters {
		// Without its fix-ups swaks sends the file as it is, so the dots are ours to stuff.
		data := append(bytes.ReplaceAll(l.data, []byte("\r\n."), []byte("\r\n..")), ".\r\n"...)
		file := filepath.Join(t.TempDir(), "data")
		require.NoError(t, os.WriteFile(file, data, 0o600))
		out := run(t, nil, "swaks", "--server", s.smtp, "--from", sender, "--to", l.user+"@example.test", "--helo", "client.example.org",
			"--no-data-fixup", "--data", "@"+file, "--suppress-data")
		require.Regexp(t, `250 2\.0\.0 Ok: queued as [0-9A-F]{6,}`, out)
	}
}

func sendMsmtp(t *testing.T, s *server, letters []letter) {
	conf := filepath.Join(t.TempDir(), "msmtprc")
	require.NoError(t, os.WriteFile(conf, []byte(fmt.Sprintf(`account default
host 127.0.0.1
port %s
from %s
domain client.example.org
undisclosed_recipients off
set_from_header off
set_date_header off
set_msgid_header off
`, port(s.smtp), sender)), 0o600))
	for _, l := range letters {
		run(t, bytes.ReplaceAll(l.data, []byte("\r\n"), []byte("\n")), "msmtp", "-C", conf, l.user+"@example.test")
	}
}

func sendCurl(t *testing.T, s *server, letters []letter) {
	for _, l := range letters {
		run(t, nil, "curl", "-sS", "--url", "smtp://"+s.smtp+"/client.example.org", "--mail-from", sender, "--mail-rcpt", l.user+"@example.test",
			"--upload-file", l.file)
	}
}

// sendTelnet types the dialogue as a learner does. telnet makes CRLF of the line ends it is given.
func sendTelnet(t *testing.T, s *server, letters []letter) {
	for _, l := range letters {
		text := strings.ReplaceAll(string(l.data), "\r\n", "\n")
		text = strings.ReplaceAll(text, "\n.", "\n..")
		out := telnet(t, s.smtp, "HELO client.example.org", "MAIL FROM:<"+sender+">", "RCPT TO:<"+l.user+"@example.test>", "DATA", text+".", "QUIT")
		require.Regexp(t, `250 2\.0\.0 Ok: queued as [0-9A-F]{6,}`, out)
	}
}

// telnet runs telnet against a port and types the lines, each when the server has answered the one before, as a person
// would: telnet ends when its input ends, whether or not answers are still to come.
func telnet(t *testing.T, addr string, lines ...string) string {
	t.Helper()
	host, p, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return typeInto(t, regexp.MustCompile(`(?m)^\d\d\d [^\n]*\n`), lines, "telnet", host, p)
}
