package smtp

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/buuta/mail/internal/wire"
)

// RemoteError is a reply that says no, and where it comes from.
type RemoteError struct {
	Relay   string // "mx.example.net[192.0.2.1]:25"
	Host    string // "mx.example.net[192.0.2.1]"
	Command string // what was answered, "RCPT TO" or "end of DATA"; "" for the greeting
	Reply   *Reply // what the server said, unchanged
}

// Error writes "host mx.example.net[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)".
func (e *RemoteError) Error() string {
	if e.Command == "" {
		return "host " + e.Host + " refused to talk to me: " + e.Reply.String()
	}
	return "host " + e.Host + " said: " + e.Reply.String() + " (in reply to " + e.Command + " command)"
}

// Unwrap returns the reply.
func (e *RemoteError) Unwrap() error { return e.Reply }

// detail is what [mail.Result].Detail says of an error.
func detail(err error) string {
	var e *RemoteError
	if errors.As(err, &e) {
		return e.Error()
	}
	var r *Reply
	if errors.As(err, &r) {
		return strings.ReplaceAll(r.Text, "\n", " ")
	}
	return err.Error()
}

// replyBuffer holds the reply being looked at. Most replies only have to be known to say yes, so they aren't made into
// values.
type replyBuffer struct {
	code     int
	enhanced EnhancedCode
	text     []byte // lines without codes, separated by "\n"
}

func (b *replyBuffer) ok() bool { return b.code/100 == 2 }

// make returns the reply as a value of its own.
func (b *replyBuffer) make() *Reply {
	return &Reply{Code: b.code, Enhanced: b.enhanced, Text: safeText(string(b.text))}
}

var errReplyLimit = errors.New("reply too long")

// receive reads one reply (RFC 5321 section 4.2) into c.reply.
func (c *Client) receive(d time.Duration, doing string) error {
	if c.r.Buffered() == 0 {
		c.deadline(d)
	}
	lineMax := positive(c.opts.Limits.LineLength, 4096) + 2
	lines, total := positive(c.opts.Limits.ReplyLines, 256), positive(c.opts.Limits.ReplyLength, 64<<10)
	b := &c.reply
	b.code, b.enhanced, b.text = 0, EnhancedCode{}, b.text[:0]
	for n := 0; ; n++ {
		line, err := c.r.ReadLine(lineMax)
		switch {
		case errors.Is(err, wire.ErrLineTooLong):
			return c.protocol(doing, errReplyLimit)
		case errors.Is(err, wire.ErrBareCR), errors.Is(err, wire.ErrBareLF):
			return c.protocol(doing, err)
		case err != nil:
			return c.broken(doing, err)
		case n >= lines || len(b.text)+len(line) > total:
			return c.protocol(doing, errReplyLimit)
		}
		if c.opts.Trace != nil {
			c.opts.Trace(false, safeText(string(line)))
		}
		more, err := b.add(line, n == 0)
		if err != nil {
			return c.protocol(doing, err)
		}
		if !more {
			return nil
		}
	}
}

// add takes a line of the reply and reports whether there are more. All lines of a reply have the same code (RFC 5321
// section 4.2.1); an enhanced status code stands on each (RFC 2034 section 4) and is taken off where it stands.
func (b *replyBuffer) add(line []byte, first bool) (more bool, err error) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !digit(line[1]) || !digit(line[2]) {
		return false, fmt.Errorf("no reply code in %q", cut(line, 40))
	}
	code := int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	rest := line[3:]
	if len(rest) > 0 {
		switch rest[0] {
		case '-':
			more = true
		case ' ':
		default:
			return false, fmt.Errorf("no reply code in %q", cut(line, 40))
		}
		rest = rest[1:]
	}
	if first {
		b.code = code
	} else if b.code != code {
		return false, fmt.Errorf("reply code changes from %d to %d", b.code, code)
	}
	if e, n := enhancedCode(rest); n > 0 && e[0] == code/100 && (first || b.enhanced == e || b.enhanced == (EnhancedCode{})) {
		b.enhanced = e
		rest = rest[n:]
	}
	if !first {
		b.text = append(b.text, '\n')
	}
	b.text = append(b.text, rest...)
	return more, nil
}

// enhancedCode reads "5.1.1 " from the beginning of a text (RFC 3463 section 2) and returns how long it is, 0 when there
// is none.
func enhancedCode(s []byte) (e EnhancedCode, n int) {
	for i := range 3 {
		start := n
		for n < len(s) && digit(s[n]) && n-start < 3 {
			e[i] = e[i]*10 + int(s[n]-'0')
			n++
		}
		if n == start || i < 2 && (n == len(s) || s[n] != '.') {
			return EnhancedCode{}, 0
		}
		if i < 2 {
			n++
		}
	}
	if e[0] != 2 && e[0] != 4 && e[0] != 5 {
		return EnhancedCode{}, 0
	}
	switch {
	case n == len(s):
		return e, n
	case s[n] == ' ':
		return e, n + 1
	}
	return EnhancedCode{}, 0
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func positive(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

func cut(b []byte, n int) []byte { return b[:min(n, len(b))] }

// safeText replaces what could do harm in a log or a message: control characters and what isn't UTF-8.
func safeText(s string) string {
	clean := true
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' || c >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}
