package acl

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail"
)

// MaxFile is the largest file that is read, in octets.
const MaxFile = 1 << 20

const letters = "lrwstipekxa" // in the order in which Dovecot writes them

var letterRights = [...]mail.Rights{mail.RightLookup, mail.RightRead, mail.RightWrite, mail.RightSeen, mail.RightDeleteFlag, mail.RightInsert,
	mail.RightPost, mail.RightExpunge, mail.RightCreate, mail.RightDeleteBox, mail.RightAdmin}

// names are what the letters stand for, as Dovecot spells them out after ":".
var names = [...]string{"lookup", "read", "write", "write-seen", "write-deleted", "insert", "post", "expunge", "create", "delete", "admin"}

var errLine = errors.New("acl: line can't be read")

// Parse reads a "dovecot-acl" file: lines of an identifier, perhaps in quotes, and rights. A line that can't be read is an
// error, and the list then gives nobody anything but the owner.
func Parse(raw []byte) (List, error) {
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("acl: file is larger than %d octets", MaxFile)
	}
	var l List
	for line := range bytes.Lines(raw) {
		s := strings.TrimRight(string(line), "\r\n")
		if s == "" || s[0] == '#' {
			continue
		}
		e, err := parseLine(s)
		if err != nil {
			return nil, fmt.Errorf("%w: %q", err, s)
		}
		l = l.add(e)
	}
	return l, nil
}

func parseLine(s string) (Entry, error) {
	id, rest, ok := cutWord(s)
	if !ok {
		return Entry{}, errLine
	}
	r, ok := parseRights(rest)
	if !ok {
		return Entry{}, errLine
	}
	plain, negative := strings.CutPrefix(id, "-")
	var e Entry
	switch name, value, _ := strings.Cut(plain, "="); {
	case plain == "anyone" || plain == "anonymous":
		e.kind = anyone
	case plain == "authenticated":
		e.kind = authenticated
	case plain == "owner":
		e.kind = owner
	case name == "user":
		e.kind, e.name = user, value
	case name == "group":
		e.kind, e.name = group, value
	case name == "group-override":
		e.kind, e.name = groupOverride, value
	default:
		return Entry{}, errLine
	}
	if negative {
		e.take, e.takeThere = r, true
	} else {
		e.give, e.giveThere = r, true
	}
	return e, nil
}

// cutWord takes the first word off a line. It may stand in quotes, with "\" before a quote or another "\".
func cutWord(s string) (word, rest string, ok bool) {
	if s[0] != '"' {
		word, rest, _ = strings.Cut(s, " ")
		return word, rest, true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			rest, space := strings.CutPrefix(s[i+1:], " ")
			return b.String(), rest, space || rest == ""
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// parseRights reads letters, and names behind a colon.
func parseRights(s string) (r rights, ok bool) {
	s = strings.Trim(s, " \t")
	short, long, _ := strings.Cut(s, ":")
	for i := range len(short) {
		switch c := short[i]; {
		case strings.IndexByte(letters, c) >= 0:
			r.std |= letterRights[strings.IndexByte(letters, c)]
		case strings.Trim(short[i:], " \t") == "":
		default:
			return r, false
		}
	}
words:
	for _, n := range strings.FieldsFunc(long, func(c rune) bool { return c == ' ' || c == ',' || c == '\t' }) {
		for i, known := range names {
			if n == known {
				r.std |= letterRights[i]
				continue words
			}
		}
		r = r.with(rights{named: []string{n}})
	}
	return r, true
}

// Format writes the local entries as Dovecot does.
func (l List) Format() []byte {
	var b []byte
	for _, e := range l {
		if e.global {
			continue
		}
		if e.giveThere {
			b = e.give.appendLine(b, e.fileIdentifier())
		}
		if e.takeThere {
			b = e.take.appendLine(b, "-"+e.fileIdentifier())
		}
	}
	return b
}

func (e *Entry) fileIdentifier() string {
	switch e.kind {
	case user:
		return "user=" + e.name
	case group:
		return "group=" + e.name
	case groupOverride:
		return "group-override=" + e.name
	}
	return e.identifier()
}

func (r rights) appendLine(b []byte, id string) []byte {
	if strings.ContainsAny(id, ` "\`) {
		id = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id) + `"`
	}
	b = append(append(b, id...), ' ')
	for i := range len(letters) {
		if r.std&letterRights[i] != 0 {
			b = append(b, letters[i])
		}
	}
	if len(r.named) > 0 {
		b = append(append(b, " :"...), strings.Join(r.named, " ")...)
	}
	return append(b, '\n')
}
