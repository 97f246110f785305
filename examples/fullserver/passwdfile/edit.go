package passwdfile

import (
	"errors"
	"fmt"
	"strings"
)

// What changes of a file may fail with.
var (
	ErrExists = errors.New("there is a user of that name")
	ErrNoUser = errors.New("there is no user of that name")
)

// Text is a file that is being changed. Comments, the order, and what isn't changed stay as they are.
type Text struct {
	lines  []string // with their ends
	domain string
}

// NewText takes a file's text; domain is what users without one belong to.
func NewText(b []byte, domain string) *Text {
	t := &Text{domain: domain}
	for line := range strings.Lines(string(b)) {
		t.lines = append(t.lines, line)
	}
	return t
}

// Bytes returns the text as it is by now.
func (t *Text) Bytes() []byte { return []byte(strings.Join(t.lines, "")) }

// InDomain counts the users of a domain.
func (t *Text) InDomain(domain string) (n int64) {
	for i := range t.lines {
		if name := t.name(i); strings.HasSuffix(name, "@"+domain) {
			n++
		}
	}
	return n
}

// name is whose line it is; "" for a comment, and for a line that is no user's.
func (t *Text) name(i int) string {
	if strings.HasPrefix(t.lines[i], "#") {
		return ""
	}
	field, _, _ := strings.Cut(strings.TrimRight(t.lines[i], "\r\n"), ":")
	name, err := Canonical(field, t.domain)
	if err != nil {
		return ""
	}
	return name
}

// find returns a user's line.
func (t *Text) find(user string) (i int, name string, err error) {
	if name, err = Canonical(user, t.domain); err != nil {
		return 0, "", err
	}
	for i := range t.lines {
		if t.name(i) == name {
			return i, name, nil
		}
	}
	return 0, name, ErrNoUser
}

// Line is a user's line, "" where there is none.
func (t *Text) Line(user string) string {
	i, _, err := t.find(user)
	if err != nil {
		return ""
	}
	return t.lines[i]
}

// Add adds a user at the end. secret is a stored password, such as Hash returns.
func (t *Text) Add(user, secret string) error {
	_, name, err := t.find(user)
	switch {
	case err == nil:
		return ErrExists
	case !errors.Is(err, ErrNoUser):
		return err
	case strings.ContainsAny(name, ":\n\r") || name[0] == '#':
		return fmt.Errorf("%q can't stand in a passwd-file", name)
	}
	if err := fieldOnly(secret); err != nil {
		return err
	}
	if n := len(t.lines); n > 0 && !strings.HasSuffix(t.lines[n-1], "\n") {
		t.lines[n-1] += "\n"
	}
	t.lines = append(t.lines, name+":"+secret+"\n")
	return nil
}

// SetPassword gives a user another stored password.
func (t *Text) SetPassword(user, secret string) error {
	if err := fieldOnly(secret); err != nil {
		return err
	}
	return t.change(user, func(field []string) []string {
		for len(field) < 2 {
			field = append(field, "")
		}
		field[1] = secret
		return field
	})
}

// SetExtra gives an extra field of a user another value; "" takes the field away.
func (t *Text) SetExtra(user, name, value string) error {
	if strings.ContainsFunc(name+value, func(r rune) bool { return r <= ' ' || r == 0x7f }) { // the last field may have colons
		return errors.New("white space or a control character can't stand in an extra field")
	}
	return t.change(user, func(field []string) []string {
		for len(field) < 8 {
			field = append(field, "")
		}
		var kept []string
		for word := range strings.FieldsSeq(field[7]) {
			if n, _, _ := strings.Cut(word, "="); n != name {
				kept = append(kept, word)
			}
		}
		if value != "" {
			kept = append(kept, name+"="+value)
		}
		field[7] = strings.Join(kept, " ")
		return field
	})
}

// Delete takes a user's line out.
func (t *Text) Delete(user string) error {
	i, _, err := t.find(user)
	if err == nil {
		t.lines = append(t.lines[:i], t.lines[i+1:]...)
	}
	return err
}

// change changes the fields of a user's line. Empty ones at its end are left out where there were none.
func (t *Text) change(user string, do func(field []string) []string) error {
	i, _, err := t.find(user)
	if err != nil {
		return err
	}
	line := strings.TrimRight(t.lines[i], "\r\n")
	end := t.lines[i][len(line):]
	field := strings.SplitN(line, ":", 8)
	had := len(field)
	field = do(field)
	for len(field) > max(had, 2) && field[len(field)-1] == "" {
		field = field[:len(field)-1]
	}
	t.lines[i] = strings.Join(field, ":") + end
	return nil
}

// fieldOnly refuses what would be more than one field, or line.
func fieldOnly(s string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == ':' || r == 0x7f }) {
		return errors.New("white space, a colon or a control character can't stand in a field of a passwd-file")
	}
	return nil
}
