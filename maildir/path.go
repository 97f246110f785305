package maildir

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail"
)

// accountDir returns the folder of an account's mail.
func (s *Store) accountDir(name string) (string, error) {
	if s.PathFunc != nil {
		dir, err := s.PathFunc(name)
		if err == nil && dir == "" {
			err = fmt.Errorf("maildir: no folder for account %q", name)
		}
		return dir, err
	}
	if s.Path == "" {
		return "", fmt.Errorf("maildir: Store.Path is not set")
	}
	if !safeAccount(name) {
		return "", fmt.Errorf("%w: %q", mail.ErrNoAccount, name)
	}
	dir, err := expand(s.Path, name)
	if err != nil {
		return "", err
	}
	return path.Clean(dir), nil
}

// safeAccount reports whether name and its two halves are names that stay where they are put: no separators, no control
// characters, no leading dot (which also keeps them from being mailboxes of somebody else).
func safeAccount(name string) bool {
	if name == "" || len(name) > 255 || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == '/' || r == '\\' || r == ':' {
			return false
		}
	}
	local, domain, at := cutAccount(name)
	return local != "" && local[0] != '.' && (!at || domain != "" && domain[0] != '.')
}

// cutAccount splits a name at its last "@", for a local-part may have one in quotes.
func cutAccount(name string) (local, domain string, at bool) {
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		return name[:i], name[i+1:], true
	}
	return name, "", false
}

// expand puts an account's name into a pattern.
func expand(pattern, name string) (string, error) {
	local, domain, _ := cutAccount(name)
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if c != '%' {
			b.WriteByte(c)
			continue
		}
		i++
		lower := i < len(pattern) && pattern[i] == 'L'
		if lower {
			i++
		}
		if i == len(pattern) {
			return "", fmt.Errorf("maildir: Store.Path %q ends within a variable", pattern)
		}
		var v string
		switch pattern[i] {
		case '%':
			v = "%"
		case 'u':
			v = name
		case 'n':
			v = local
		case 'd':
			if domain == "" {
				return "", fmt.Errorf("%w: %q has no domain", mail.ErrNoAccount, name)
			}
			v = domain
		default:
			return "", fmt.Errorf("maildir: Store.Path %q has the unknown variable %%%c", pattern, pattern[i])
		}
		if lower {
			v = strings.ToLower(v)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}
