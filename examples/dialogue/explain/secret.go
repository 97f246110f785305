package explain

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Mask stands for a secret.
const Mask = "••••••"

// maxShown bounds what is shown of a line, in octets.
const maxShown = 1000

// cut shortens a line to what is shown of it.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for end > maxShown-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + fmt.Sprintf("… (%d octets)", len(s))
}

// printable shows control characters, marks that turn text around and octets that aren't UTF-8 as \x1b or \u202e.
func printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, "\\x%02x", s[i])
		case r == '\t':
			b.WriteByte(' ')
		case r < ' ' || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, "\\x%02x", r)
		case r == 0x061c || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// arg makes of something from the wire what may stand in a sentence.
func arg(s string) string {
	if len(s) > 120 {
		end := 120
		for end > 110 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return printable(s)
}

// hide masks a secret in a text.
func hide(text, secret string) string {
	if len(secret) < 4 {
		return text // it would be found everywhere
	}
	return strings.ReplaceAll(text, secret, Mask)
}

// remember keeps a secret, so that it is masked if the server repeats it.
func (s *Session) remember(secret string) {
	if len(secret) >= 4 && len(s.secrets) < 16 {
		s.secrets = append(s.secrets, secret)
	}
}

// masked are the commands with secrets behind them, in all protocols, and how many words behind them may be seen: the mechanism, the user.
var masked = map[string]int{"PASS": 0, "LOGIN": 1, "APOP": 1, "AUTH": 1, "AUTHENTICATE": 1}

// typed notes a command of SMTP's or POP3's form as it is shown, and takes it apart: the line without blanks before it, its first word, and what follows.
func (s *Session) typed(n *Note, line string) (trimmed, verb, rest string) {
	n.Text = printable(cut(s.mask(line)))
	trimmed = strings.TrimLeft(line, " \t")
	if trimmed != line && trimmed != "" {
		n.mistake("mistake.leading-space")
	}
	verb, rest, _ = strings.Cut(strings.TrimRight(trimmed, " \t"), " ")
	return trimmed, verb, rest
}

// mask takes secrets out of a client's command as it is shown, whatever the protocol and the place: who types PASS in SMTP doesn't want to
// show the password either.
func (s *Session) mask(line string) string {
	rest, at := line, 0
	for range 3 {
		word := strings.TrimLeft(rest, " \t")
		at += len(rest) - len(word)
		end := strings.IndexAny(word, " \t:")
		if end < 0 {
			return line
		}
		seen, ok := masked[strings.ToUpper(word[:end])]
		at, rest = at+end, word[end:]
		if !ok {
			at, rest = at+1, rest[1:]
			continue
		}
		for range seen {
			word := strings.TrimLeft(rest, " \t:")
			at += len(rest) - len(word)
			end := wordEnd(word)
			at, rest = at+end, word[end:]
		}
		secret := strings.TrimLeft(rest, " \t:")
		at += len(rest) - len(secret)
		if secret == "" || secret == "=" || secret == "*" || isLiteral(secret) {
			return line
		}
		s.remember(secret)
		s.remember(strings.Trim(secret, `"`))
		return line[:at] + Mask
	}
	return line
}

// wordEnd is where the first word ends, which may be in quotation marks.
func wordEnd(s string) int {
	if !strings.HasPrefix(s, `"`) {
		if end := strings.IndexAny(s, " \t"); end >= 0 {
			return end
		}
		return len(s)
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// response explains what a client says in an authentication, and masks it. PLAIN's has the user's name, LOGIN's the name first.
func (s *Session) response(n *Note, mechanism string, step int, line string) {
	n.Text = Mask
	s.remember(line)
	raw, err := base64.StdEncoding.DecodeString(line)
	fields := strings.Split(string(raw), "\x00")
	switch mechanism = strings.ToUpper(mechanism); {
	case line == "*":
		n.Text = "*"
		n.say("sasl.cancel")
	case line == "" || line == "=":
		n.Text = line
		n.say("sasl.empty")
	case line == Mask: // a recording
		n.say("sasl.response", mechanism)
	case err != nil:
		n.mistake("mistake.base64")
	case mechanism == "PLAIN" && len(fields) == 3:
		s.remember(fields[2])
		n.say("sasl.plain", fields[1])
	case mechanism == "PLAIN":
		n.mistake("mistake.plain")
	case mechanism == "LOGIN" && step == 0:
		n.Text = printable(cut(line))
		n.say("sasl.login-user", string(raw))
	case mechanism == "LOGIN":
		s.remember(string(raw))
		n.say("sasl.login-password")
	default:
		n.say("sasl.response", mechanism)
	}
}

// challenge explains what a server says in an authentication.
func challenge(n *Note, text string) {
	raw, err := base64.StdEncoding.DecodeString(text)
	switch {
	case text == "":
		n.say("sasl.go-on")
	case err != nil:
		n.say("sasl.challenge")
	default:
		n.say("sasl.challenge-is", string(raw))
	}
}

// mechanism explains the name of an authentication mechanism.
func mechanism(n *Note, name string) {
	key := "sasl.mech." + strings.ToUpper(name)
	if !known(key) {
		key = "sasl.mech"
	}
	n.word(name, key)
}
