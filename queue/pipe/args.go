package pipe

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// macros are those of pipe(8); those that are of a recipient are set to true.
var macros = map[string]bool{
	"sender": false, "nexthop": false, "size": false,
	"recipient": true, "original_recipient": true, "user": true, "extension": true, "mailbox": true, "domain": true,
}

// Check finds arguments that can't be filled in: macros that there are not. These are there, as ${name}, $name or $(name), and $$ for a dollar sign:
//
//	sender nexthop size                          once
//	recipient original_recipient mailbox domain  for each recipient; mailbox is the whole local part,
//	user extension                               and these two the halves of it
func (c *Command) Check() error {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return errors.New("there is no command")
	}
	for _, arg := range c.Args {
		if _, err := c.parse(arg); err != nil {
			return err
		}
	}
	return nil
}

// piece is a part of an argument: text, or the name of a macro.
type piece struct{ text, macro string }

// parse splits an argument.
func (c *Command) parse(arg string) ([]piece, error) {
	if c.Plain || !strings.Contains(arg, "$") {
		return []piece{{text: arg}}, nil
	}
	var out []piece
	for rest := arg; rest != ""; {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			out = append(out, piece{text: rest})
			break
		}
		if i > 0 {
			out = append(out, piece{text: rest[:i]})
		}
		rest = rest[i+1:]
		name := ""
		switch {
		case strings.HasPrefix(rest, "$"):
			out, rest = append(out, piece{text: "$"}), rest[1:]
			continue
		case strings.HasPrefix(rest, "{"), strings.HasPrefix(rest, "("):
			end := strings.IndexByte(rest, map[byte]byte{'{': '}', '(': ')'}[rest[0]])
			if end < 0 {
				return nil, fmt.Errorf("%q: a bracket is not closed", arg)
			}
			name, rest = rest[1:end], rest[end+1:]
		default:
			n := 0
			for n < len(rest) && (rest[n] == '_' || rest[n]|0x20 >= 'a' && rest[n]|0x20 <= 'z' || rest[n] >= '0' && rest[n] <= '9') {
				n++
			}
			name, rest = rest[:n], rest[n:]
		}
		if _, known := macros[name]; !known {
			return nil, fmt.Errorf("%q: there is no macro %q for a command; write $$ for a dollar sign", arg, name)
		}
		out = append(out, piece{macro: name})
	}
	return out, nil
}

// args fills in the arguments. An address must not bring in a macro: what has been filled in is not looked at again.
func (t *transaction) args() (out []string, err error) {
	for _, arg := range t.d.c.Args {
		pieces, err := t.d.c.parse(arg)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(pieces, func(p piece) bool { return macros[p.macro] }) {
			out = append(out, t.fill(pieces, 0))
			continue
		}
		for i := range t.to {
			out = append(out, t.fill(pieces, i))
		}
	}
	return out, nil
}

func (t *transaction) fill(pieces []piece, i int) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.macro == "" {
			b.WriteString(p.text)
		} else {
			b.WriteString(t.value(p.macro, i))
		}
	}
	return b.String()
}

// value is a macro's for the recipient of that index.
func (t *transaction) value(macro string, i int) string {
	c := t.d.c
	switch macro {
	case "sender":
		if t.from == "" {
			return t.sender()
		}
		return c.form(t.from)
	case "nexthop":
		if c.LowerDomain {
			return strings.ToLower(t.d.nexthop)
		}
		return t.d.nexthop
	case "size":
		return strconv.FormatInt(t.size, 10)
	case "recipient":
		return c.form(c.fold(t.to[i]))
	case "original_recipient":
		return c.form(c.fold(t.orig[i]))
	}
	local, domain := halves(unquote(c.fold(t.to[i])))
	user, ext := local, ""
	if n := strings.IndexAny(local, c.Delimiters); c.Delimiters != "" && n > 0 && n < len(local)-1 {
		user, ext = local[:n], local[n+1:]
	}
	return map[string]string{"mailbox": local, "domain": domain, "user": user, "extension": ext}[macro]
}

// sender is the reverse-path as the program sees it.
func (t *transaction) sender() string {
	switch {
	case t.from != "":
		return t.from
	case t.d.c.EmptySender:
		return ""
	case t.d.c.NullSender != "":
		return t.d.c.NullSender
	}
	return "MAILER-DAEMON"
}

// form is an address as arguments have it.
func (c *Command) form(address string) string {
	if c.Quote {
		return address
	}
	return unquote(address)
}

// fold brings an address into lower case as flags u and h say.
func (c *Command) fold(address string) string {
	local, domain := halves(address)
	if c.LowerUser {
		local = strings.ToLower(local)
	}
	if c.LowerDomain {
		domain = strings.ToLower(domain)
	}
	if domain == "" {
		return local
	}
	return local + "@" + domain
}

func halves(address string) (local, domain string) {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return address[:i], address[i+1:]
	}
	return address, ""
}

// unquote takes the quotes and backslashes from the local part of an address on the wire (RFC 5321 section 4.1.2).
func unquote(address string) string {
	local, domain := halves(address)
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' {
		return address
	}
	var b strings.Builder
	for i := 1; i < len(local)-1; i++ {
		if local[i] == '\\' && i+1 < len(local)-1 {
			i++
		}
		b.WriteByte(local[i])
	}
	if domain != "" {
		b.WriteString("@" + domain)
	}
	return b.String()
}
