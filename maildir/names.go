package maildir

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/foldername"
	"golang.org/x/text/unicode/norm"
)

const inbox = "INBOX"

// maxFolder keeps the paths of nested folders well within what operating systems take.
const maxFolder = 1000

// cleanName brings a mailbox name into the one form in which it is compared, or refuses it with mail.ErrBadName. What
// it lets through can't lead anywhere but to a folder within the account's: levels are neither empty nor "." nor
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
	folder := s.folderName(out)
	for part := range strings.SplitSeq(folder, "/") {
		if len(part) > 255 {
			return bad("is too long")
		}
	}
	if len(folder) > maxFolder {
		return bad("is too long")
	}
	return out, nil
}

// naming is how the Store's layout names folders.
func (s *Store) naming() foldername.Naming {
	return foldername.Naming{Nested: s.Layout == LayoutFS, UTF8: s.UTF8}
}

// folderName returns the folder of a mailbox within the account's.
func (s *Store) folderName(name string) string {
	if name == inbox {
		return ""
	}
	return s.naming().Folder(name)
}

// mailboxName returns the mailbox that a folder of this name is; ok is false when it is none.
func (s *Store) mailboxName(folder string) (name string, ok bool) {
	if name, ok = s.naming().Name(folder); !ok {
		return "", false
	}
	name, err := s.cleanName(name)
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
