package contacts

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
)

// property is a content line of a vCard: a name in upper case, its parameters as they stand, the value as it stands.
type property struct{ name, params, value string }

// ParseVCards reads vCards of version 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), one after the other. What isn't understood is kept, as far as
// there is room; what is no card is passed over. Contacts that name nobody are left out.
func ParseVCards(b []byte) []Contact {
	var out []Contact
	var card []property
	in := false
	for line := range logicalLines(b) {
		p, ok := parseProperty(line)
		switch {
		case !ok:
		case p.name == "BEGIN" && strings.EqualFold(strings.TrimSpace(p.value), "VCARD"):
			card, in = nil, true
		case p.name == "END" && in:
			if c := fromProperties(card); !c.Empty() && len(out) < MaxContacts {
				out = append(out, c)
			}
			in = false
		case in && len(card) < maxProperties:
			card = append(card, p)
		}
	}
	return out
}

// maxProperties bounds a card: one has about ten.
const maxProperties = 200

// logicalLines are the lines with their continuations: behind a line end and a blank, or in version 2.1 behind the "=" of quoted-printable.
func logicalLines(b []byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		line, have, soft := "", false, false
		for raw := range bytes.Lines(bytes.TrimPrefix(b, []byte("\ufeff"))) {
			s := strings.TrimRight(string(raw), "\r\n")
			switch {
			case have && soft:
				line = line[:len(line)-1] + s
			case have && s != "" && (s[0] == ' ' || s[0] == '\t'):
				line += s[1:]
			default:
				if have && !yield(line) {
					return
				}
				line, have = s, true
			}
			if len(line) > MaxCard {
				line = line[:MaxCard]
			}
			head, _, _ := strings.Cut(line, ":")
			soft = strings.HasSuffix(line, "=") && strings.Contains(strings.ToUpper(head), "QUOTED-PRINTABLE")
		}
		if have {
			yield(line)
		}
	}
}

func parseProperty(line string) (property, bool) {
	quoted, colon := false, -1
	for i := range len(line) {
		if line[i] == '"' {
			quoted = !quoted
		}
		if line[i] == ':' && !quoted {
			colon = i
			break
		}
	}
	if colon < 0 {
		return property{}, false
	}
	name, params, _ := strings.Cut(line[:colon], ";")
	if i := strings.IndexByte(name, '.'); i >= 0 { // a group, which binds lines together
		name = name[i+1:]
	}
	p := property{strings.ToUpper(strings.TrimSpace(name)), params, line[colon+1:]}
	if p.name == "" || strings.Trim(p.name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return property{}, false
	}
	return p, true
}

// text is the value decoded, in UTF-8.
func (p property) text() string {
	v := p.value
	encoding, cs := "", ""
	for param := range strings.SplitSeq(p.params, ";") {
		k, x, ok := strings.Cut(param, "=")
		switch k = strings.ToUpper(k); {
		case k == "ENCODING":
			encoding = strings.ToUpper(x)
		case k == "CHARSET":
			cs = x
		case !ok && k == "QUOTED-PRINTABLE": // 2.1 may leave "ENCODING=" out
			encoding = k
		}
	}
	if encoding == "QUOTED-PRINTABLE" {
		b, _ := io.ReadAll(mime.DecodeTransfer("quoted-printable", strings.NewReader(v))) // what can't be decoded stays
		v = string(b)
	}
	if cs != "" || !utf8.ValidString(v) {
		if cs == "" {
			cs = "windows-1252"
		}
		if r, err := charset.NewReader(cs, strings.NewReader(v)); err == nil {
			if b, err := io.ReadAll(r); err == nil {
				v = string(b)
			}
		}
	}
	return strings.ToValidUTF8(v, "\ufffd")
}

// unescape undoes the backslashes of a text value.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i++; s[i] == 'n' || s[i] == 'N' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// split divides a structured value at a separator that no backslash stands before, and unescapes the pieces.
func split(s string, sep byte) []string {
	var out []string
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			out = append(out, unescape(s[from:i]))
			from = i + 1
		}
	}
	return append(out, unescape(s[from:]))
}

// fromProperties makes a contact of a card.
func fromProperties(card []property) Contact {
	var c Contact
	name := ""
	room := MaxCard / 2
	for _, p := range card {
		switch p.name {
		case "VERSION", "PRODID", "REV":
			continue
		case "UID":
			c.UID = p.value
			continue
		case "FN":
			if c.Name == "" {
				c.Name = unescape(p.text())
			}
			continue
		case "N":
			f := append(split(p.text(), ';'), "", "", "", "")
			name = strings.Join(strings.Fields(strings.Join([]string{f[3], f[1], f[2], f[0], f[4]}, " ")), " ")
		case "EMAIL":
			c.Emails = append(c.Emails, strings.TrimPrefix(unescape(p.text()), "mailto:"))
			continue
		case "TEL":
			c.Phones = append(c.Phones, strings.TrimPrefix(unescape(p.text()), "tel:"))
			continue
		case "ORG":
			if c.Org == "" {
				c.Org = strings.Join(nonEmpty(split(p.text(), ';')), ", ")
			}
			continue
		case "NOTE":
			c.Note += unescape(p.text()) + "\n"
			continue
		case "KEY":
			if k, ok := p.key(); ok {
				c.Keys = append(c.Keys, k)
				continue
			}
		case "CATEGORIES":
			c.Groups = append(c.Groups, split(p.text(), ',')...)
			continue
		}
		if p.params != "" {
			p.params = ";" + p.params
		}
		if line := p.name + p.params + ":" + p.value; len(line) <= room && utf8.ValidString(line) { // a photograph has no room
			room -= len(line)
			c.Rest = append(c.Rest, line)
		}
	}
	if c.Name == "" {
		c.Name = name
	}
	return c.Check()
}

func nonEmpty(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, ",", `\,`, ";", `\;`)

// AppendVCard writes a contact as a vCard 3.0, the version that every address book reads.
func (c Contact) AppendVCard(b []byte) []byte {
	put := func(line string) { b = fold(b, line) }
	put("BEGIN:VCARD")
	put("VERSION:3.0")
	if c.UID != "" {
		put("UID:" + c.UID)
	}
	put("FN:" + escaper.Replace(c.Title()))
	named := false
	for _, r := range c.Rest {
		named = named || strings.HasPrefix(r, "N:") || strings.HasPrefix(r, "N;")
	}
	if !named { // there must be one; which part of a name is the family's nobody has said
		put("N:;" + escaper.Replace(c.Title()) + ";;;")
	}
	for _, e := range c.Emails {
		put("EMAIL;TYPE=INTERNET:" + escaper.Replace(e))
	}
	for _, t := range c.Phones {
		put("TEL:" + escaper.Replace(t))
	}
	if c.Org != "" {
		put("ORG:" + escaper.Replace(c.Org))
	}
	if c.Note != "" {
		put("NOTE:" + escaper.Replace(c.Note))
	}
	if len(c.Groups) > 0 {
		var g []string
		for _, s := range c.Groups {
			g = append(g, escaper.Replace(s))
		}
		put("CATEGORIES:" + strings.Join(g, ","))
	}
	for _, k := range c.Keys {
		put(k.line())
	}
	for _, r := range c.Rest {
		put(r)
	}
	put("END:VCARD")
	return b
}

// fold adds a line, in pieces of at most 75 octets that end between characters (RFC 6350 section 3.2).
func fold(b []byte, line string) []byte {
	for most := 75; len(line) > most; most = 74 {
		n := most
		for n > 0 && !utf8.RuneStart(line[n]) {
			n--
		}
		b = append(append(b, line[:n]...), "\r\n "...)
		line = line[n:]
	}
	return append(append(b, line...), "\r\n"...)
}
