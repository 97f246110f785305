package mime

import "strings"

// String writes the address as it stands in a header: "Bob <bob@example.test>", encoded words in a name that isn't ASCII
// (RFC 2047 section 5), quotes where they are needed. A local-part or domain that isn't ASCII is written in UTF-8
// (RFC 6532). For group marks it writes the name with its colon, and ";".
func (a Address) String() string {
	switch a.Kind {
	case GroupStart:
		name := FormatPhrase(a.Name)
		if strings.HasSuffix(name, "?=") { // an encoded word must be followed by a blank (RFC 2047 section 5)
			name += " "
		}
		return name + ":"
	case GroupEnd:
		return ";"
	}
	if a.Name == "" && a.Route == "" {
		return a.Addr()
	}
	s := "<" + a.Addr() + ">"
	if isRoute(a.Route) {
		s = "<" + a.Route + ":" + a.Addr() + ">"
	}
	if a.Name == "" {
		return s
	}
	return FormatPhrase(a.Name) + " " + s
}

// Addr returns local-part, "@" and domain, the local-part quoted when it must be: what SMTP's MAIL and RCPT want between
// their brackets. Without a domain it is the local-part alone.
func (a Address) Addr() string {
	local := a.Mailbox
	if a.Host != "" && strings.Contains(local, "=?") || !isDotAtom(local) && (local != "" || a.Host != "") {
		local = quote(local) // also what would look like an encoded word together with what follows
	}
	if a.Host == "" {
		return local
	}
	return local + "@" + cleanAddr(a.Host)
}

// IsASCII reports whether local-part and domain are ASCII. If not, the message needs SMTPUTF8 (RFC 6531).
func (a Address) IsASCII() bool { return isASCII(a.Mailbox) && isASCII(a.Host) }

// FormatAddressList writes a list for a header field, groups included, with ", " between the addresses.
func FormatAddressList(list []Address) string {
	var b strings.Builder
	separate := false
	for _, a := range list {
		if a.Kind == GroupEnd {
			b.WriteByte(';')
			separate = true
			continue
		}
		if separate {
			b.WriteString(", ")
		} else if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(a.String())
		separate = a.Kind == AddressMailbox
	}
	return b.String()
}

// FormatPhrase writes a display name: atoms, else a quoted string, else encoded words (RFC 5322 section 3.2.5).
func FormatPhrase(name string) string {
	name = cleanText(name)
	switch {
	case !isASCII(name) || strings.Contains(name, "=?") || len(name) > 400:
		return encodeWords(name)
	case isPhrase(name):
		return name
	}
	return quote(name)
}

// isPhrase reports whether s is atoms with single spaces between.
func isPhrase(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' && i > 0 && i < len(s)-1 && s[i-1] != ' ' {
			continue
		}
		if !isAtext(s[i]) {
			return false
		}
	}
	return s != ""
}

// The printable ASCII characters of atext, as sets of bits: those below 64 and those from 64 on.
const (
	atextLow = 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' | 1<<'/' | 1<<'=' | 1<<'?' |
		(1<<10-1)<<'0'
	atextHigh = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64) | 1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) |
		1<<('{'-64) | 1<<('|'-64) | 1<<('}'-64) | 1<<('~'-64)
)

// isAtext is RFC 5322 section 3.2.3, with RFC 6532's UTF-8.
func isAtext(c byte) bool {
	switch {
	case c >= 0x80:
		return true
	case c >= 64:
		return uint64(atextHigh)>>(c-64)&1 != 0
	}
	return uint64(atextLow)>>c&1 != 0
}

// isDotAtom reports whether s can stand as a local-part without quotes.
func isDotAtom(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' && i > 0 && i < len(s)-1 && s[i-1] != '.' {
			continue
		}
		if !isAtext(s[i]) {
			return false
		}
	}
	return s != ""
}

// isLiteral checks a domain literal (RFC 5322 section 3.4.1).
func isLiteral(s string) bool {
	return len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' && !strings.ContainsAny(s[1:len(s)-1], "[]\\ \t\r\n\"<>();") && !hasControl(s)
}

// isRoute checks an obsolete source route, "@a,,@b" (RFC 5322 section 4.4). What is none is left out when an address is written:
// "When interpreting addresses, the route portion SHOULD be ignored."
func isRoute(s string) bool {
	some := false
	for domain := range strings.SplitSeq(s, ",") {
		if domain == "" {
			continue
		}
		domain, some = strings.CutPrefix(domain, "@")
		if !some || !isDotAtom(domain) && !isLiteral(domain) {
			return false
		}
	}
	return some
}

// quote writes a quoted string. Control characters, which have no place in one, become spaces.
func quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\')
		case c < ' ' || c == 0x7f:
			c = ' '
		}
		b = append(b, c)
	}
	return string(append(b, '"'))
}

// cleanAddr drops what would end a domain or route early: blanks, control characters, brackets around the address.
func cleanAddr(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == '<' || r == '>' || r == '"' || r == '(' || r == ')' || r == ';' || r == '\\' {
			return -1
		}
		return r
	}, s)
}
