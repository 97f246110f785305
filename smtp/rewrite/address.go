package rewrite

import "strings"

// split divides an address in internal form at its last "@".
func split(address string) (local, domain string, ok bool) {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return address[:i], address[i+1:], true
	}
	return address, "", false
}

// Unquote brings an address into internal form: without the quotes and backslashes of its local part.
func Unquote(address string) string {
	if strings.IndexByte(address, '"') < 0 && strings.IndexByte(address, '\\') < 0 {
		return address
	}
	var b strings.Builder
	quoted := false
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && i+1 < len(address):
			i++
			b.WriteByte(address[i])
		case c == '@' && !quoted && strings.IndexByte(address[i:], '"') < 0:
			b.WriteString(address[i:])
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Quote brings an address in internal form into that of the wire: a local part that is no dot-string (RFC 5321 section 4.1.2) gets quotes.
func Quote(address string) string {
	local, domain, ok := split(address)
	if local == "" && !ok || isDotString(local, false) {
		return address
	}
	local = quoteLocal(local)
	if !ok {
		return local
	}
	return local + "@" + domain
}

func quoteLocal(local string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(local) {
		if c := local[i]; c == '"' || c == '\\' || c == '\r' {
			b.WriteByte('\\')
		}
		b.WriteByte(local[i])
	}
	b.WriteByte('"')
	return b.String()
}

// isDotString reports whether a local part may stand without quotes. With at, "@" may be in it.
func isDotString(s string, at bool) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if s[i-1] == '.' {
				return false
			}
		case c == '@' && at:
		case c <= ' ' || c == 0x7f || strings.IndexByte("()<>@,;:\\\"[]", c) >= 0:
			return false
		}
	}
	return true
}

// extension divides a local part into the user and what follows him: "+lists" of "alice+lists". Some names are never divided.
func (r *Rules) extension(local string) (user, ext string) {
	if r.Delimiter == "" {
		return local, ""
	}
	for _, name := range []string{"postmaster", "mailer-daemon", "double-bounce"} {
		if strings.EqualFold(local, name) {
			return local, ""
		}
	}
	if strings.Contains(r.Delimiter, "-") && !r.PlainOwner {
		lower := strings.ToLower(local)
		if strings.HasPrefix(lower, "owner-") || len(lower) > len("-request") && strings.HasSuffix(lower, "-request") {
			return local, ""
		}
	}
	if i := strings.IndexAny(local, r.Delimiter); i > 0 {
		return local[:i], local[i:]
	}
	return local, ""
}

// Extension divides a local part, without quotes, at the first of the delimiters: "alice" and "+lists". The names that Postfix doesn't divide
// aren't: postmaster, mailer-daemon, and with "-" as a delimiter owner-list and list-request.
func (r *Rules) Extension(local string) (user, ext string) { return r.extension(local) }
