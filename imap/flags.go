package imap

import (
	"strings"

	"github.com/buuta/mail"
)

// FlagList requires a parenthesised list of flags. \Recent and flags of extensions that no store knows are refused, as
// are keywords that could not be written back.
func (d *Decoder) FlagList() mail.Flags {
	var l flagCollector
	d.List(func() { l.add(d) })
	return l.flags()
}

// Flags requires flags as STORE has them: a list, or at least one flag with spaces between them.
func (d *Decoder) Flags() mail.Flags {
	if d.Peek('(') {
		return d.FlagList()
	}
	var l flagCollector
	for i := 0; ; i++ {
		if i >= d.Limits.Items {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many flags"})
			break
		}
		if l.add(d); d.Err() != nil || !d.TrySP() {
			break
		}
	}
	return l.flags()
}

// flagCollector gathers flags without allocating for the system flags.
type flagCollector struct {
	system   mail.SystemFlags
	keywords []string
}

func (l *flagCollector) add(d *Decoder) {
	if d.Try('\\') {
		name := d.Atom()
		if s, ok := systemFlag(name); ok {
			l.system |= s
		} else if d.err == nil {
			d.fail(`Flag "\` + name + `" can't be changed`)
		}
		return
	}
	k := d.Atom()
	if d.err == nil && !mail.ValidKeyword(k) {
		d.fail("Bad keyword")
	}
	l.keywords = append(l.keywords, k)
}

func (l *flagCollector) flags() mail.Flags {
	f := mail.Flags{System: l.system}
	if len(l.keywords) > 0 {
		f.Keywords = mail.NewFlags(l.keywords...).Keywords
	}
	return f
}

// systemFlag finds a system flag by its name without the backslash.
func systemFlag(name string) (mail.SystemFlags, bool) {
	switch {
	case strings.EqualFold(name, "Seen"):
		return mail.Seen, true
	case strings.EqualFold(name, "Answered"):
		return mail.Answered, true
	case strings.EqualFold(name, "Flagged"):
		return mail.Flagged, true
	case strings.EqualFold(name, "Deleted"):
		return mail.Deleted, true
	case strings.EqualFold(name, "Draft"):
		return mail.Draft, true
	}
	return 0, false
}

// appendFlags writes the flags as a list; recent adds \Recent.
func appendFlags(b []byte, f mail.Flags, recent bool) []byte {
	b = append(b, '(')
	start := len(b)
	for i, name := range [...]string{`\Seen `, `\Answered `, `\Flagged `, `\Deleted `, `\Draft `} {
		if f.System&(1<<i) != 0 {
			b = append(b, name...)
		}
	}
	if recent {
		b = append(b, `\Recent `...)
	}
	for _, k := range f.Keywords {
		b = append(append(b, k...), ' ')
	}
	if len(b) > start {
		b = b[:len(b)-1]
	}
	return append(b, ')')
}
