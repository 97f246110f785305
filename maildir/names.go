package maildir

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/mutf7"
	"golang.org/x/text/unicode/norm"
)

const inbox = "INBOX"

// cleanName brings a mailbox name into the one form in which it is compared, or refuses it with mail.ErrBadName. What
// it lets through can't lead anywhere but to a folder directly within the account's: levels are neither empty nor "." nor
// "..", and have no control characters; folderName takes care of the rest.
func (s *Store) cleanName(name string) (string, error) {
	bad := func(why string) (string, error) { return "", fmt.Errorf("%w: %q %s", mail.ErrBadName, name, why) }
	if !utf8.ValidString(name) {
		return bad("is not UTF-8")
	}
	out := norm.NFC.String(name)
	levels := strings.Split(out, "/")
	if len(levels) > limit(s.Limits.Depth, 32) {
		return bad("has too many levels")
	}
	for _, l := range levels {
		if l == "" || l == "." || l == ".." {
			return bad("has an empty level")
		}
		for _, r := range l {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
				return bad("has a control character")
			}
		}
	}
	if strings.EqualFold(levels[0], inbox) {
		levels[0] = inbox
		out = strings.Join(levels, "/")
	}
	if len(s.folderName(out)) > 255 {
		return bad("is too long")
	}
	return out, nil
}

// folderName returns the folder of a mailbox within the account's: "." and the levels with "." between. A dot within a level
// becomes "\2e", as Dovecot's listescape writes it.
func (s *Store) folderName(name string) string {
	if name == inbox {
		return ""
	}
	levels := strings.Split(name, "/")
	for i, l := range levels {
		l = strings.NewReplacer(`\2e`, `\5c2e`, `\5c`, `\5c5c`, `.`, `\2e`).Replace(l)
		if !s.UTF8 {
			l = mutf7.Encode(l)
		}
		levels[i] = l
	}
	return "." + strings.Join(levels, ".")
}

// mailboxName returns the mailbox that a folder of this name is; ok is false when it is none.
func (s *Store) mailboxName(folder string) (name string, ok bool) {
	if len(folder) < 2 || folder[0] != '.' {
		return "", false
	}
	levels := strings.Split(folder[1:], ".")
	for i, l := range levels {
		if l == "" {
			return "", false
		}
		if !s.UTF8 {
			if dec, ok := mutf7.Decode(l); ok {
				l = dec
			}
		}
		l = strings.NewReplacer(`\2e`, `.`, `\5c`, `\`).Replace(l)
		if strings.Contains(l, "/") {
			return "", false
		}
		levels[i] = l
	}
	name, err := s.cleanName(strings.Join(levels, "/"))
	return name, err == nil && name != inbox
}

// parents returns the names above name, the highest first.
func parents(name string) []string {
	var out []string
	for i := range len(name) {
		if name[i] == '/' {
			out = append(out, name[:i])
		}
	}
	return out
}
