package script

import (
	"fmt"
	"strings"
	"sync"
)

// maxTranscript bounds what is kept of a case, and maxShown of a line.
const (
	maxTranscript = 64 << 10
	maxShown      = 500
)

// transcript is what was said in a case.
type transcript struct {
	mu    sync.Mutex
	b     strings.Builder
	stops []func() bool // of the connections' ends with the context
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// recorder keeps what is said on a connection, without the password.
func (t *transcript) recorder(conn int, target *Target) func(who byte, text string) {
	number := ""
	if conn > 0 {
		number = fmt.Sprint(conn + 1)
	}
	hidden := []string{}
	known := credentials(target)
	for _, name := range []string{"plain", "badplain", "password64", "password"} {
		if target.Password != "" {
			hidden = append(hidden, known[name], "***")
		}
	}
	hide := strings.NewReplacer(hidden...)
	return func(who byte, text string) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if who == 'C' {
			text = hide.Replace(text)
		}
		for line := range strings.Lines(text) {
			if t.b.Len() > maxTranscript {
				return
			}
			line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
			if len(line) > maxShown {
				line = line[:maxShown] + fmt.Sprintf("… (%d octets)", len(line))
			}
			fmt.Fprintf(&t.b, "%c%s: %s\n", who, number, Printable(line))
		}
	}
}

// Printable makes text of what a server said: no control character but tabs, and line ends, is left for a terminal to act upon, and no octet
// that isn't UTF-8.
func Printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\uFFFD' && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, "\\x%02x", s[i])
		case r < ' ' && r != '\t' && r != '\n' || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
