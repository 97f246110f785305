package pop3

import (
	"fmt"
	"strconv"

	"github.com/buuta/mail"
)

// uidlFormat is a parsed [Server.UIDLFormat].
type uidlFormat struct {
	parts []uidlPart
	files bool // the names of files are needed
}

// uidlPart is literal text, or a variable.
type uidlPart struct {
	text     string
	variable byte // 'u', 'v', 'g', 'f', or 0
	base     int  // 10 or 16
	width    int
	zero     bool // fill with zeros
}

// CheckUIDLFormat returns the error that a [Server] with this UIDLFormat would refuse to serve with.
func CheckUIDLFormat(format string) error {
	_, err := parseUIDLFormat(format)
	return err
}

// parseUIDLFormat reads Dovecot's notation: "%", optionally "0", a width, "X", and the variable. "%%" is a "%".
func parseUIDLFormat(s string) (*uidlFormat, error) {
	if s == "" {
		s = "%08Xu%08Xv"
	}
	f := new(uidlFormat)
	unique := false
	for i := 0; i < len(s); {
		if s[i] <= ' ' || s[i] > '~' {
			return nil, fmt.Errorf("pop3: UIDLFormat %q: a unique-id has only printable ASCII characters", s)
		}
		if s[i] != '%' || i+1 < len(s) && s[i+1] == '%' {
			f.parts = append(f.parts, uidlPart{text: s[i : i+1]})
			if s[i] == '%' {
				i++
			}
			i++
			continue
		}
		p := uidlPart{base: 10}
		i++
		if i < len(s) && s[i] == '0' {
			p.zero = true
			i++
		}
		for i < len(s) && s[i] >= '0' && s[i] <= '9' && p.width < 70 {
			p.width = 10*p.width + int(s[i]-'0')
			i++
		}
		if i < len(s) && s[i] == 'X' { // Dovecot's X is hexadecimal in lower case
			p.base = 16
			i++
		}
		if i == len(s) || s[i] != 'u' && s[i] != 'v' && s[i] != 'g' && s[i] != 'f' || p.width > 70 {
			return nil, fmt.Errorf("pop3: UIDLFormat %q: there are %%u, %%v, %%g and %%f, with 0, a width and X before the letter", s)
		}
		p.variable = s[i]
		unique = unique || s[i] != 'v'
		f.files = f.files || s[i] == 'g' || s[i] == 'f'
		f.parts = append(f.parts, p)
		i++
	}
	if !unique {
		return nil, fmt.Errorf("pop3: UIDLFormat %q: all messages would have the same unique-id", s)
	}
	return f, nil
}

// append adds a message's unique-id to b. One that RFC 1939 section 7 doesn't allow, 1 to 70 characters from 0x21 to 0x7E,
// is replaced by UIDVALIDITY and UID, so that nothing a store says can break the line.
func (f *uidlFormat) append(b []byte, validity uint32, uid mail.UID, name mail.FileName) []byte {
	start := len(b)
	for _, p := range f.parts {
		switch p.variable {
		case 0:
			b = append(b, p.text...)
		case 'u':
			b = p.number(b, uint64(uid))
		case 'v':
			b = p.number(b, uint64(validity))
		case 'g':
			b = append(b, name.GUID...)
		case 'f':
			b = append(b, name.Base...)
		}
	}
	if !validUIDL(b[start:]) {
		b = strconv.AppendUint(b[:start], uint64(validity), 10)
		b = append(b, '.')
		b = strconv.AppendUint(b, uint64(uid), 10)
	}
	return b
}

func (p *uidlPart) number(b []byte, n uint64) []byte {
	var digits [20]byte
	d := strconv.AppendUint(digits[:0], n, p.base)
	for i := len(d); i < p.width && p.zero; i++ {
		b = append(b, '0')
	}
	return append(b, d...)
}

func validUIDL(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 70
}
