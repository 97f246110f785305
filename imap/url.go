package imap

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// URL is an IMAP URL that names a mailbox, a message or a piece of one (RFC 5092), or one of these with an authorization to
// fetch it (RFC 4467). Searches are not among them.
type URL struct {
	User string // "" when the URL says none
	Auth string // SASL mechanism, or "*"
	Host string // with the port, if one is given; "" in a URL that is relative to a server

	Mailbox     string // in UTF-8; "" in a URL that is relative to a mailbox
	UIDValidity uint32 // 0 when not given
	UID         mail.UID
	Section     Section
	Partial     *Partial // Size 0: to the end

	Expire    time.Time // zero when not given
	Access    URLAccess // "" when the URL is not authorized
	Mechanism string    // "INTERNAL", "" in a URL that is still to be authorized
	Token     string    // hexadecimal digits
}

// URLAccess says who may fetch an authorized URL (RFC 4467 section 3): "submit+" or "user+" and a user's name, or one of the
// constants.
type URLAccess string

// The kinds of access that need no name.
const (
	AccessAuthUser  URLAccess = "authuser"
	AccessAnonymous URLAccess = "anonymous"
)

// Submit reports the user on whose behalf a message submission server may fetch the URL.
func (a URLAccess) Submit() (user string, ok bool) { return cutFold(string(a), "submit+") }

// User reports the user who alone may fetch the URL.
func (a URLAccess) User() (user string, ok bool) { return cutFold(string(a), "user+") }

// cutFold removes a prefix that is written in lower case, whatever its case in s.
func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// maxURL is the length of the longest URL that is parsed.
const maxURL = 8192

var errURL = errors.New("imap: bad IMAP URL")

// ParseURL reads an absolute IMAP URL, or one that is relative to a server, "/INBOX/;UID=1", or to a mailbox, ";UID=1" (RFC 5092
// sections 7 and 11).
func ParseURL(s string) (*URL, error) {
	if len(s) > maxURL || !validURL(s) {
		return nil, errURL
	}
	u := &URL{}
	path := s
	if rest, ok := cutFold(s, "imap://"); ok {
		server, after, _ := strings.Cut(rest, "/")
		if !u.parseServer(server) {
			return nil, errURL
		}
		if path = after; path == "" {
			return nil, errURL // a server as a whole
		}
	} else {
		path = strings.TrimPrefix(s, "/")
	}
	mailbox, params, ok := cutParams(path)
	if !ok || !unescapeTo(&u.Mailbox, mailbox) || mailbox == "" && len(path) < len(s) || strings.HasPrefix(mailbox, "/") ||
		len(path) == len(s) && strings.Contains(mailbox, ":") { // another scheme
		return nil, errURL
	}
	if strings.EqualFold(u.Mailbox, "INBOX") {
		u.Mailbox = "INBOX"
	}
	if !u.parseParams(params) {
		return nil, errURL
	}
	return u, nil
}

// validURL refuses what no URL has, "%" that begins no escape among it.
func validURL(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return false
			}
		case c <= ' ', c >= 0x7f, strings.IndexByte("\"<>\\^`{|}#?", c) >= 0:
			return false // "?" begins a search
		}
	}
	return s != ""
}

// parseServer reads "user;AUTH=mech@host:port".
func (u *URL) parseServer(s string) bool {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		user, auth, more := strings.Cut(s[:i], ";")
		if !unescapeTo(&u.User, user) || strings.ContainsAny(user, ":@") {
			return false
		}
		if more {
			if auth, more = cutFold(auth, "auth="); !more || !unescapeTo(&u.Auth, auth) || u.Auth == "" {
				return false
			}
		}
		if u.User == "" && u.Auth == "" {
			return false
		}
		s = s[i+1:]
	}
	u.Host = s
	return s != "" && !strings.ContainsAny(s, ";@")
}

// cutParams divides a path where its first parameter begins. A slash before ";UID" and what follows it is no part of the
// mailbox's name.
func cutParams(path string) (mailbox, params string, ok bool) {
	i := strings.IndexByte(path, ';')
	if i < 0 {
		return path, "", true
	}
	mailbox, params = path[:i], path[i:]
	if _, validity := cutFold(params, ";uidvalidity="); !validity {
		if !strings.HasSuffix(mailbox, "/") {
			return mailbox, params, mailbox == ""
		}
		return mailbox[:len(mailbox)-1], params, len(mailbox) > 1
	}
	return mailbox, params, mailbox != ""
}

// RumpURL removes ":<mechanism>:<token>" from the end of an authorized URL, and nothing else: that is what the token is
// made of (RFC 4467 section 6). ok is false when the URL doesn't end so.
func RumpURL(s string) (rump string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", false
	}
	if i = strings.LastIndexByte(s[:i], ':'); i < 0 {
		return "", false
	}
	return s[:i], true
}

// String writes the URL.
func (u *URL) String() string {
	var b []byte
	if u.Host != "" {
		b = append(b, "imap://"...)
		b = appendEscaped(b, u.User, "&=~")
		if u.Auth != "" {
			b = appendEscaped(append(b, ";AUTH="...), u.Auth, "&=*")
		}
		if u.User != "" || u.Auth != "" {
			b = append(b, '@')
		}
		b = append(b, u.Host...)
	}
	if u.Mailbox != "" {
		b = append(b, '/')
		name := u.Mailbox
		if name[0] == '/' { // "//" would begin a server's name
			b, name = append(b, "%2F"...), name[1:]
		}
		b = appendEscaped(b, name, "&=:@/")
		if u.UIDValidity > 0 {
			b = strconv.AppendUint(append(b, ";UIDVALIDITY="...), uint64(u.UIDValidity), 10)
		}
		if u.UID > 0 {
			b = append(b, '/')
		}
	}
	if u.UID > 0 {
		b = strconv.AppendUint(append(b, ";UID="...), uint64(u.UID), 10)
	}
	if section := u.Section.String(); section != "" {
		b = appendEscaped(append(b, "/;SECTION="...), section, "&=:@")
	}
	if p := u.Partial; p != nil {
		b = strconv.AppendUint(append(b, "/;PARTIAL="...), uint64(p.Offset), 10)
		if p.Size > 0 {
			b = strconv.AppendUint(append(b, '.'), uint64(p.Size), 10)
		}
	}
	return string(u.appendAuth(b))
}

func (u *URL) appendAuth(b []byte) []byte {
	if !u.Expire.IsZero() {
		b = u.Expire.AppendFormat(append(b, ";EXPIRE="...), time.RFC3339)
	}
	if u.Access != "" {
		b = append(b, ";URLAUTH="...)
		kind, user, named := strings.Cut(string(u.Access), "+")
		b = append(b, kind...)
		if named {
			b = appendEscaped(append(b, '+'), user, "&=")
		}
		if u.Token != "" {
			b = append(append(append(append(b, ':'), u.Mechanism...), ':'), u.Token...)
		}
	}
	return b
}
