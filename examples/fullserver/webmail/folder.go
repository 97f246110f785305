package webmail

import (
	"net/url"
	"strings"

	"github.com/buuta/mail"
)

// folder is a mailbox as the pages show it.
type folder struct {
	Name       string
	Label      string
	Depth      int
	Use        mail.SpecialUse // "": none
	Unseen     int
	Total      int
	Selectable bool
	Delimiter  string
	Subscribed bool
}

// URL returns the folder's address.
func (f folder) URL() string { return folderURL(f.Name) }

// Inbox reports whether it is the INBOX.
func (f folder) Inbox() bool { return f.Name == "INBOX" }

// System reports whether it can't be renamed or deleted here.
func (f folder) System() bool { return f.Inbox() || f.Use != "" }

// Key returns the letter behind "g" that goes to the folder.
func (f folder) Key() string {
	switch {
	case f.Inbox():
		return "i"
	case f.Use == mail.UseSent:
		return "s"
	case f.Use == mail.UseDrafts:
		return "d"
	}
	return ""
}

// folderURL writes a folder's address. What could be taken for a part of the path is written as "~" and two hexadecimal digits.
func folderURL(name string) string { return "/mail/" + url.PathEscape(escapeFolder(name)) }

const hexDigits = "0123456789ABCDEF"

func escapeFolder(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c == '/' || c == '.' || c == '~' || c == '\\' || c <= ' ' || c == 0x7f || c == '?' || c == '#' || c == '%':
			b.WriteByte('~')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescapeFolder reads what escapeFolder wrote. There is one way to write each name.
func unescapeFolder(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '~' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	name := b.String()
	return name, name != "" && validFolder(name) && escapeFolder(name) == s
}

// validFolder reports whether a name can be sent at all.
func validFolder(name string) bool {
	return len(name) <= 1000 && strings.ToValidUTF8(name, "") == name && !strings.ContainsAny(name, "\r\n\x00")
}

// folder returns the folder that the path names.
func (q *request) folder() (string, error) {
	name, ok := unescapeFolder(q.r.PathValue("folder"))
	if !ok {
		return "", notFound
	}
	return name, nil
}
