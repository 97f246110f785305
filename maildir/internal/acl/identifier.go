package acl

import (
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail"
)

// maxIdentifier is the longest identifier, in octets.
const maxIdentifier = 255

// identifier writes an entry's identifier as IMAP has it: "$" and a group, as Dovecot does.
func (e *Entry) identifier() string {
	switch e.kind {
	case anyone:
		return "anyone"
	case authenticated:
		return "authenticated"
	case owner:
		return "owner"
	case group:
		return "$" + e.name
	case groupOverride:
		return "!$" + e.name
	}
	return e.name
}

// entryOf returns an empty entry of an identifier as IMAP has it, without "-".
func entryOf(id string) (Entry, bool) {
	e := Entry{kind: user, name: id}
	switch {
	case id == "anyone":
		e = Entry{kind: anyone}
	case id == "authenticated":
		e = Entry{kind: authenticated}
	case id == "owner":
		e = Entry{kind: owner}
	case strings.HasPrefix(id, "$"):
		e = Entry{kind: group, name: id[1:]}
	case strings.HasPrefix(id, "!$"):
		e = Entry{kind: groupOverride, name: id[2:]}
	}
	if e.kind == user || e.kind == group || e.kind == groupOverride {
		ok := e.name != "" && len(e.name) <= maxIdentifier && utf8.ValidString(e.name) &&
			!strings.ContainsFunc(e.name, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 })
		return e, ok
	}
	return e, true
}

// Set returns the list with one identifier's rights changed: mail.ErrBadName for what can't be one, mail.ErrLimit when there
// would be more than most entries. What global entries say stays.
func (l List) Set(identifier string, op mail.RightsOp, r mail.Rights, most int) (List, error) {
	plain, negative := strings.CutPrefix(identifier, "-")
	e, ok := entryOf(plain)
	if !ok {
		return nil, mail.ErrBadName
	}
	out := make(List, 0, len(l)+1)
	found := false
	for _, old := range l {
		if !old.global && old.kind == e.kind && old.name == e.name {
			e, found = old, true
			continue
		}
		out = append(out, old)
	}
	at, there := &e.give, &e.giveThere
	if negative {
		at, there = &e.take, &e.takeThere
	}
	switch op {
	case mail.RightsAdd:
		at.std |= r
	case mail.RightsRemove:
		at.std &^= r
	default:
		*at = rights{std: r}
	}
	*there = at.std != 0 || len(at.named) > 0
	if !e.giveThere && !e.takeThere {
		return out, nil
	}
	if !found && len(out) >= most {
		return nil, mail.ErrLimit
	}
	return out.add(e), nil
}
