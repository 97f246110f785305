package mime

import "strings"

// ListFields is what a mailing list says of itself in a message's header: RFC 2369's commands, RFC 2919's identifier
// and RFC 8058's one-click unsubscription. Commands are URLs in the order in which the list prefers them.
type ListFields struct {
	ID          string // List-Id without brackets, such as "list-header.nisto.com"
	Name        string // the phrase before it, decoded
	Post        []string
	NoPost      bool // List-Post: NO
	Help        []string
	Subscribe   []string
	Unsubscribe []string
	Owner       []string
	Archive     []string
	OneClick    string // the https URL to which "List-Unsubscribe=One-Click" may be posted; "" for none
}

// maxListURLs is how many URLs of one field are read.
const maxListURLs = 20

// List reads the list fields. OneClick is set as RFC 8058 section 3.1 wants it, but that a valid DKIM signature covers both
// List-Unsubscribe and List-Unsubscribe-Post is for the caller to see.
func (h *Header) List() ListFields {
	var l ListFields
	l.Name, l.ID = listID(h.Get("List-Id"))
	l.Post = ParseListURLs(h.Get("List-Post"))
	if len(l.Post) == 0 {
		word, _, _ := strings.Cut(h.Get("List-Post"), " ")
		word, _, _ = strings.Cut(word, "(")
		l.NoPost = strings.EqualFold(word, "NO")
	}
	l.Help = ParseListURLs(h.Get("List-Help"))
	l.Subscribe = ParseListURLs(h.Get("List-Subscribe"))
	l.Unsubscribe = ParseListURLs(h.Get("List-Unsubscribe"))
	l.Owner = ParseListURLs(h.Get("List-Owner"))
	l.Archive = ParseListURLs(h.Get("List-Archive"))
	if strings.EqualFold(removeBlanks(h.Get("List-Unsubscribe-Post")), "List-Unsubscribe=One-Click") {
		for _, u := range l.Unsubscribe {
			if len(u) > 8 && strings.EqualFold(u[:8], "https://") {
				l.OneClick = u
				break
			}
		}
	}
	return l
}

// ParseListURLs reads the body of a field of RFC 2369: URLs in angle brackets, separated by commas, with comments between. Blanks
// within the brackets are removed (section 2). A field that "begins with any character other than the opening angle bracket" is
// ignored, and so is what follows a URL without a comma between.
func ParseListURLs(body string) []string {
	var urls []string
	s := paramScanner{s: body}
	for len(urls) < maxListURLs && s.blanks() == '<' {
		end := strings.IndexByte(body[s.i:], '>')
		if end < 0 {
			break
		}
		if u := cleanURL(body[s.i+1 : s.i+end]); u != "" {
			urls = append(urls, u)
		}
		s.i += end + 1
		if s.blanks() != ',' {
			break
		}
		for s.i++; s.blanks() == ','; s.i++ { // an empty entry
		}
	}
	return urls
}

// blanks passes over blanks and comments and returns the octet that is next, 0 at the end.
func (p *paramScanner) blanks() byte {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case isBlankOrBreak(c):
			p.i++
		case c == '(' && p.skipComment():
		default:
			return c
		}
	}
	return 0
}

// cleanURL removes blanks and refuses what a URL can't hold, so that it can be written anywhere.
func cleanURL(s string) string {
	s = removeBlanks(s)
	scheme, _, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || strings.ContainsAny(s, "\"<>\\^`{|}\x7f") {
		return ""
	}
	for i := 0; i < len(scheme); i++ {
		if c := lower(scheme[i]); (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return ""
		}
	}
	return s
}

// listID splits "phrase <list-id>" (RFC 2919 section 2).
func listID(body string) (name, id string) {
	start := strings.LastIndexByte(body, '<')
	if start < 0 {
		if !strings.ContainsAny(body, " \t") {
			return "", body
		}
		return DecodeText(body), ""
	}
	id, _, _ = strings.Cut(body[start+1:], ">")
	name = strings.TrimSpace(body[:start])
	if len(name) > 1 && name[0] == '"' && name[len(name)-1] == '"' {
		name = unescape(name[1 : len(name)-1])
	}
	return DecodeText(name), removeBlanks(id)
}
