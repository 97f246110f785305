// Package checks looks into messages as Postfix's header_checks and body_checks do: each header field and each line of the body is looked up in tables
// of patterns, and the answer says what to do with the line or with the message.
package checks

import (
	"context"
	"strings"

	"github.com/buuta/mail"
)

// Table is a lookup table.
type Table interface {
	Find(ctx context.Context, key string) (value string, found bool, err error)
}

// Checker has the tables. A nil table finds nothing.
type Checker struct {
	Header Table // of the message's own header
	MIME   Table // of header fields about MIME, in the message and in its parts
	Nested Table // of the headers of attached messages
	Body   Table // of other lines

	// Outgoing is for messages on their way out: lines are changed, and what a table wants done with the whole message is only told.
	Outgoing bool
	Name     string // of the tables in what is told, "smtp_" for smtp_header_checks

	BodyLimit   int64 // body_checks_size_limit: octets of each part that are looked at; 0: 51200
	HeaderLimit int   // header_size_limit: octets of a field that are looked at; 0: 102400
}

// Empty reports whether there is nothing to look for.
func (c *Checker) Empty() bool {
	return c == nil || c.Header == nil && c.MIME == nil && c.Nested == nil && c.Body == nil
}

// Verdict is what is to be done with a message. The zero value is nothing.
type Verdict struct {
	Reject   *mail.Reply // what its sender is told
	Discard  bool        // take it and forget it
	Hold     bool
	Filter   string   // transport:nexthop for all its recipients
	Redirect string   // who gets it instead of its recipients
	BCC      []string // who gets it as well
}

// kind says where a line is.
type kind int

const (
	header kind = iota
	mimeHeader
	nested
	body
)

func (k kind) String() string {
	return [...]string{"header", "mime-header", "nested-header", "body"}[k]
}

func (c *Checker) table(k kind) Table {
	return [...]Table{c.Header, c.MIME, c.Nested, c.Body}[k]
}

// act does what a table's answer says with a line, and returns what stands in its place.
func (r *Reader) act(k kind, line, key, answer string) string {
	word, text, _ := strings.Cut(answer, " ")
	text = strings.TrimSpace(text)
	shown := strings.ReplaceAll(key, "\n", " ")
	note := func(what string) {
		s := what + ": " + k.String() + " " + shown
		if text != "" {
			s += ": " + text
		}
		r.note(s)
	}
	eol := ending(line)
	word = strings.ToUpper(word)
	if r.c.Outgoing && unrestricted[word] {
		r.note("warning: unsupported command in " + r.c.Name + k.String() + "_checks map: " + answer)
		return line
	}
	switch word {
	case "REJECT":
		note("reject")
		if r.Verdict.Reject == nil {
			r.Verdict.Reject = rejection(text)
		}
	case "WARN":
		note("warning")
	case "INFO":
		note("info")
	case "DISCARD":
		note("discard")
		r.Verdict.Discard = true
	case "HOLD":
		note("hold")
		r.Verdict.Hold = true
	case "FILTER":
		if transport, _, ok := strings.Cut(text, ":"); !ok || transport == "" {
			r.note("warning: FILTER without transport:destination: " + answer)
			break
		}
		note("filter")
		r.Verdict.Filter = text
	case "REDIRECT":
		if !strings.Contains(text, "@") {
			r.note("warning: REDIRECT without an address: " + answer)
			break
		}
		note("redirect")
		r.Verdict.Redirect = text
	case "BCC":
		if !strings.Contains(text, "@") {
			r.note("warning: BCC without an address: " + answer)
			break
		}
		note("bcc")
		r.Verdict.BCC = append(r.Verdict.BCC, text)
	case "PREPEND":
		if text == "" {
			r.note("warning: PREPEND without text")
			break
		}
		note("prepend")
		return oneLine(text) + eol + line
	case "REPLACE":
		if text == "" || k != body && strings.IndexByte(text, ':') <= 0 {
			r.note("warning: REPLACE without what may stand there: " + answer)
			break
		}
		note("replace")
		return oneLine(text) + eol
	case "STRIP":
		note("strip")
		return ""
	case "IGNORE":
		return ""
	case "DUNNO", "OK", "PASS":
	default:
		if r.c.Outgoing {
			r.note("warning: unsupported command in " + r.c.Name + k.String() + "_checks map: " + answer)
			break
		}
		r.note("warning: unknown command in " + k.String() + "_checks: " + answer)
	}
	return line
}

// rejection is the reply of REJECT: its text may begin with an enhanced status code.
func rejection(text string) *mail.Reply {
	reply := mail.NewReply(550, mail.EnhancedCode{5, 7, 1}, "message content rejected")
	word, rest, _ := strings.Cut(text, " ")
	var code mail.EnhancedCode
	if n := parseCode(word, &code); n {
		reply.Enhanced, text = code, strings.TrimSpace(rest)
		if code[0] == 4 {
			reply.Code = 450
		}
	}
	if text != "" {
		reply.Text = oneLine(text)
	}
	return reply
}

func parseCode(s string, code *mail.EnhancedCode) bool {
	if len(s) < 5 || s[1] != '.' || s[0] != '4' && s[0] != '5' {
		return false
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return false
	}
	for i, p := range parts {
		n := 0
		for j := range len(p) {
			if p[j] < '0' || p[j] > '9' || len(p) > 3 {
				return false
			}
			n = 10*n + int(p[j]-'0')
		}
		code[i] = n
	}
	return true
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s)
}

// ending is a line's end.
func ending(line string) string {
	switch {
	case strings.HasSuffix(line, "\r\n"):
		return "\r\n"
	case strings.HasSuffix(line, "\n"):
		return "\n"
	}
	return ""
}
