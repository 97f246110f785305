package mime

import (
	"strings"
)

// ParseMessageIDs reads the body of a Message-ID, In-Reply-To or References field (RFC 5322 section 3.6.4) and returns
// the identifiers without their angle brackets, each once, in their order. Blanks that folding left within one are
// removed. Phrases and comments, once allowed in In-Reply-To (section 4.5.4), are passed over; if there are no brackets
// at all, words with an "@" count.
func ParseMessageIDs(body string) []string {
	var ids []string
	seen := make(map[string]bool)
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if strings.IndexByte(body, '<') < 0 {
		for w := range strings.FieldsFuncSeq(body, func(r rune) bool { return r <= ' ' || r == ',' || r == ';' || r == '>' }) {
			if strings.Contains(w, "@") {
				add(w)
			}
		}
		return ids
	}
	for {
		start := strings.IndexByte(body, '<')
		if start < 0 {
			return ids
		}
		body = body[start+1:]
		end := strings.IndexAny(body, "<>")
		switch {
		case end < 0: // the last one lost its bracket
			id, _, _ := strings.Cut(strings.TrimSpace(body), " ")
			add(id)
			return ids
		case body[end] == '<':
			body = body[end:]
		default:
			add(removeBlanks(body[:end]))
			body = body[end+1:]
		}
	}
}

// FormatMessageIDs writes identifiers for a Message-ID, In-Reply-To or References field. One that is too long for a line, which
// no honest program makes, is left out.
func FormatMessageIDs(ids ...string) string {
	var b strings.Builder
	for _, id := range ids {
		if id = strings.Trim(removeBlanks(id), "<>"); len(id) > 900 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("<" + id + ">")
	}
	return b.String()
}
