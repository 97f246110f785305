package smtp

import (
	"strings"
	"unicode/utf8"
)

// path is a reverse-path or forward-path as it was read.
type path struct {
	addr string // without angle brackets and source route; "" is the null path
	utf8 bool   // has characters beyond ASCII
	rest string // what stands behind it: the parameters
}

// parsePath reads a path as the server's fields say.
func (srv *Server) parsePath(s string) (p path, ok bool) {
	if srv.AngleBrackets && !strings.HasPrefix(strings.TrimLeft(s, " "), "<") {
		return p, false
	}
	return parsePath(s, srv.StrictSyntax)
}

// parsePath reads a path (RFC 5321 section 4.1.2) from the front of s. In strict syntax it is the grammar's; otherwise
// the angle brackets may be missing, spaces may stand before it, and the address needs no domain.
func parsePath(s string, strict bool) (p path, ok bool) {
	if !strict {
		s = strings.TrimLeft(s, " ")
	}
	if s == "" {
		return p, false
	}
	bare := s[0] != '<'
	if bare && strict {
		return p, false
	}
	end := pathEnd(s, bare)
	if end < 0 {
		return p, false
	}
	addr := s[:end]
	if !bare {
		addr = s[1:end]
		end++
	}
	p.rest = s[end:]
	if p.rest != "" && p.rest[0] != ' ' {
		return p, false
	}
	if addr == "" {
		return p, !bare
	}
	if addr[0] == '@' { // a source route, which is ignored (RFC 5321 appendix C)
		route, mailbox, found := strings.Cut(addr, ":")
		if !found || !validRoute(route) {
			return p, false
		}
		addr = mailbox
	}
	p.addr, ok = parseMailbox(addr, strict)
	p.utf8 = !isASCII(p.addr)
	return p, ok
}

// pathEnd returns the index of the ">" that closes the path, or for a bare one of the first space or the end, minding
// quoted strings. It is -1 when there is none.
func pathEnd(s string, bare bool) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case bare && c == ' ':
			return i
		case c == '>':
			if bare {
				return -1
			}
			return i
		case c == '<' && i > 0:
			return -1
		}
	}
	if bare && !quoted {
		return len(s)
	}
	return -1
}

func validRoute(route string) bool {
	for hop := range strings.SplitSeq(route, ",") {
		if !strings.HasPrefix(hop, "@") || !validDomain(hop[1:], false) {
			return false
		}
	}
	return true
}

// parseMailbox checks a mailbox and returns it with the quotes that it needs and no others, so that one mailbox has one
// spelling (RFC 5321 section 4.1.2: a quoted string means what it has in it).
func parseMailbox(s string, strict bool) (string, bool) {
	if len(s) > 1000 {
		return "", false
	}
	local, domain, hasDomain := s, "", false
	if s != "" && s[0] == '"' {
		end := quotedEnd(s)
		if end < 0 {
			return "", false
		}
		local, domain = s[:end], s[end:]
		if domain != "" {
			if domain[0] != '@' {
				return "", false
			}
			domain, hasDomain = domain[1:], true
		}
		plain, ok := unquote(local)
		if !ok {
			return "", false
		}
		if local = plain; !validDotString(local, true) {
			local = quote(plain)
		}
		s = local
		if hasDomain {
			s += "@" + domain
		}
	} else {
		local, domain, hasDomain = strings.Cut(s, "@")
		if !validDotString(local, strict) {
			return "", false
		}
	}
	switch {
	case hasDomain && !validDomain(domain, true):
		return "", false
	case strict && !hasDomain && !strings.EqualFold(local, "postmaster"):
		return "", false
	}
	return s, true
}

// quotedEnd returns the index behind the quoted string at the front of s, or -1.
func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' {
			i++
		}
		if s[i] < ' ' || s[i] == 0x7f {
			return "", false
		}
		b.WriteByte(s[i])
	}
	return b.String(), utf8.ValidString(b.String())
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// validDotString reports whether s is a Dot-string; without strict, dots may stand anywhere, as some large providers
// once allowed.
func validDotString(s string, strict bool) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	dot := true
	for i := range len(s) {
		c := s[i]
		if c == '.' {
			if dot && strict {
				return false
			}
			dot = true
			continue
		}
		if !isAtext(c) {
			return false
		}
		dot = false
	}
	return !dot || !strict
}

// isAtext is atext of RFC 5322 section 3.2.3 with the bytes of UTF-8 (RFC 6531 section 3.3).
func isAtext(c byte) bool {
	switch {
	case c >= 0x80, c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return true
	}
	return strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}
