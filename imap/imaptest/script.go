package imaptest

import (
	"bufio"
	"context"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/buuta/mail/internal/testnet"
)

// Script is a server that says what a written exchange says, for tests of what a client makes of a server's habits:
//
//	S: * OK [CAPABILITY IMAP4rev1] ready
//	C: TAG LOGIN alice secret
//	S: TAG OK done
//
// Lines that begin with "S: " are sent, those with "C: " must come from the client. "TAG" stands for the tag of the client's last
// command, "…" for anything. "S! " sends without a line end, with \r \n \t and \xNN in it replaced. "close" ends the connection. Other
// lines are comments.
type Script struct {
	tb      testing.TB
	text    string
	running sync.WaitGroup
}

// NewScript returns a server that plays the script on each connection. A client that says something else fails the test.
func NewScript(tb testing.TB, text string) *Script {
	s := &Script{tb: tb, text: text}
	tb.Cleanup(s.running.Wait)
	return s
}

// Dial connects to the script in memory, whatever address is asked for.
func (s *Script) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := testnet.Pipe()
	s.running.Go(func() {
		defer server.Close()
		s.play(server)
	})
	return client, nil
}

func (s *Script) play(conn net.Conn) {
	r := bufio.NewReader(conn)
	tag := "TAG"
	for line := range strings.Lines(s.text) {
		line = strings.TrimRight(line, "\r\n")
		line = strings.TrimLeft(line, "\t ")
		switch {
		case strings.HasPrefix(line, "S: "):
			if _, err := conn.Write([]byte(strings.ReplaceAll(line[3:], "TAG", tag) + "\r\n")); err != nil {
				return
			}
		case strings.HasPrefix(line, "S! "):
			if _, err := conn.Write([]byte(unescape(strings.ReplaceAll(line[3:], "TAG", tag)))); err != nil {
				return
			}
		case strings.HasPrefix(line, "C: "):
			got, err := r.ReadString('\n')
			got = strings.TrimRight(got, "\r\n")
			want := line[3:]
			if strings.HasPrefix(want, "TAG ") {
				tag, _, _ = strings.Cut(got, " ")
				want = tag + want[3:]
			}
			if err != nil || !like(want, got) {
				s.tb.Errorf("imaptest: the client says %q (%v), the script %q", got, err, want)
				return
			}
		case line == "close":
			return
		}
	}
	// The client ends it.
	for {
		if _, err := r.ReadString('\n'); err != nil {
			return
		}
	}
}

func unescape(s string) string {
	s = strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\t`, "\t").Replace(s)
	return regexp.MustCompile(`\\x[0-9a-fA-F]{2}`).ReplaceAllStringFunc(s, func(x string) string {
		const digits = "0123456789abcdef"
		x = strings.ToLower(x)
		return string([]byte{byte(strings.IndexByte(digits, x[2])<<4 | strings.IndexByte(digits, x[3]))})
	})
}

func like(pattern, s string) bool {
	parts := strings.Split(pattern, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^(?s:" + strings.Join(parts, ".*") + ")$").MatchString(s)
}
