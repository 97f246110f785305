package searchtext

import (
	"bytes"
	"cmp"
	"slices"
	"unicode"

	"github.com/buuta/mail"
)

// Query is a mail.TextQuery made ready. It may be used by many goroutines at once.
type Query struct {
	in    mail.TextPart
	field finder // the beginning of the field's line, with the end of the line before
	text  finder
	words []word // with Fuzzy: instead of text
}

// NewQuery makes a query ready.
func NewQuery(q mail.TextQuery) *Query {
	out := &Query{in: q.In, text: newFinder(Fold(q.Text))}
	if q.In == mail.InHeader {
		out.field = newFinder(append(append([]byte{'\n'}, Fold(q.Field)...), ": "...))
	}
	if q.Fuzzy {
		notWord := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }
		for _, w := range bytes.FieldsFunc(out.text.needle, notWord) {
			out.words = append(out.words, newWord(w))
		}
		// Most messages lack a word: that one first which costs least.
		slices.SortStableFunc(out.words, func(a, b word) int { return cmp.Compare(a.cost(), b.cost()) })
	}
	return out
}

// HeaderOnly reports whether a Text with nothing but the header is enough for Match.
func (q *Query) HeaderOnly() bool { return q.in == mail.InHeader }

// Everything reports whether every message matches.
func (q *Query) Everything() bool { return q.in != mail.InHeader && len(q.text.needle) == 0 }

// Match reports whether a message with this text matches.
func (q *Query) Match(t Text) bool {
	switch q.in {
	case mail.InBody:
		return q.matchIn(t.All[t.Header+t.MIME:])
	case mail.InText:
		return q.matchIn(t.All)
	case mail.InHeader:
		return q.matchField(t.All[:t.Header])
	}
	return false
}

func (q *Query) matchIn(s []byte) bool {
	if len(q.words) == 0 {
		return q.text.index(s) >= 0
	}
	for i := range q.words {
		if !q.words[i].in(s) {
			return false
		}
	}
	return true
}

// matchField looks at what follows the colon in the fields of the name, each by itself.
func (q *Query) matchField(header []byte) bool {
	for {
		i := q.field.index(header)
		if i < 0 {
			return false
		}
		header = header[i+len(q.field.needle):]
		end := bytes.IndexByte(header, '\n')
		if end < 0 {
			end = len(header)
		}
		if q.matchIn(header[:end]) {
			return true
		}
		header = header[end:]
	}
}

// Needs returns strings that a text must have in order to match: of each list at least one. An index of any kind may so leave out
// messages; what it leaves over is for Match.
func (q *Query) Needs() [][][]byte {
	var out [][][]byte
	if q.in == mail.InHeader {
		out = append(out, [][]byte{q.field.needle})
	}
	if len(q.words) == 0 {
		return append(out, [][]byte{q.text.needle})
	}
	for i := range q.words {
		out = append(out, q.words[i].needs())
	}
	return out
}

// finder finds a text. It looks for the octet of it that mail has least of, which is several times faster than beginning
// with the first.
type finder struct {
	needle []byte
	at     int // of its rarest octet
}

func newFinder(needle []byte) finder {
	f := finder{needle: needle}
	for i, c := range needle {
		if commonness(c) < commonness(needle[f.at]) {
			f.at = i
		}
	}
	return f
}

// cost is how often an octet must be looked at more closely: the commonness of the one that is looked for.
func (f *finder) cost() int { return commonness(f.needle[f.at]) }

// index returns where the needle is in s, -1 if nowhere.
func (f *finder) index(s []byte) int {
	n := len(f.needle)
	if n == 0 {
		return 0
	}
	if n > len(s) {
		return -1
	}
	c, first, last := f.needle[f.at], f.needle[0], f.needle[n-1]
	for s, base := s[f.at:len(s)-(n-1-f.at)], s; ; {
		i := bytes.IndexByte(s, c)
		if i < 0 {
			return -1
		}
		start := len(base) - (n - 1 - f.at) - len(s) + i - f.at
		if base[start] == first && base[start+n-1] == last && bytes.Equal(base[start:start+n], f.needle) {
			return start
		}
		s = s[i+1:]
	}
}

// frequent are the octets of folded English and Vietnamese mail, most frequent first.
const frequent = " enaithorsucglmdpy.-vb0123456789kf:/=,wxqjz_@\"'+<>()\n"

// commonness orders octets by how often they are met; 0 for those hardly ever.
func commonness(c byte) int {
	switch {
	case c >= 0xe0:
		return 40 // begins the characters of one script: all alike
	case c >= 0xc0:
		return 30
	}
	if i := bytes.IndexByte([]byte(frequent), c); i >= 0 {
		return len(frequent) - i
	}
	return 0
}
