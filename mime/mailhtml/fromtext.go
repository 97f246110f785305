package mailhtml

import "strings"

// FromText turns the text of a mail into HTML: lines stay lines, quotes (">") become nested <blockquote>s, runs of blanks stay,
// and web and mail addresses become links. A signature ("-- ") is in a <div class="m-signature">. Everything else is
// escaped, so that the result is safe whatever the text is; it is what [Sanitizer] would leave as it is, within the <div>.
// For format=flowed give it what mime.Unflow returns. Prefix is that of Sanitizer; empty: "m-".
func FromText(text, prefix string) string {
	prefix = (&Sanitizer{Prefix: prefix}).prefix()
	f := &fromText{prefix: prefix}
	f.out.Grow(len(text) + len(text)/8 + 64)
	f.out.WriteString(`<div class="` + prefix + `text">`)
	for line := range strings.Lines(strings.ToValidUTF8(text, "\uFFFD")) {
		f.line(strings.TrimRight(line, "\r\n"))
	}
	f.level(0)
	if f.signature {
		f.out.WriteString("</div>")
	}
	f.out.WriteString("</div>")
	return f.out.String()
}

type fromText struct {
	out       strings.Builder
	prefix    string
	quotes    int
	signature bool
	begun     bool // something stands on the line above within this quote
}

// maxQuotes bounds how deep quotes nest.
const maxQuotes = 30

func (f *fromText) line(l string) {
	n, rest := 0, l
	for strings.HasPrefix(rest, ">") {
		n++
		rest = rest[1:]
		if strings.HasPrefix(rest, " >") {
			rest = rest[1:]
		}
	}
	if n > 0 {
		l = strings.TrimPrefix(rest, " ")
	}
	f.level(min(n, maxQuotes))
	if l == "-- " && n == 0 && !f.signature {
		f.signature = true
		f.out.WriteString(`<div class="` + f.prefix + `signature">`)
		f.begun = false
	}
	if f.begun {
		f.out.WriteString("<br>\n")
	}
	f.begun = true
	f.words(l)
}

// level opens and closes quotes.
func (f *fromText) level(n int) {
	for ; f.quotes < n; f.quotes++ {
		f.out.WriteString("<blockquote>")
		f.begun = false
	}
	for ; f.quotes > n; f.quotes-- {
		f.out.WriteString("</blockquote>")
		f.begun = false
	}
}

func (f *fromText) words(l string) {
	for i := 0; i < len(l); {
		if c := l[i]; c == ' ' || c == '\t' {
			n := i
			for n < len(l) && (l[n] == ' ' || l[n] == '\t') {
				n++
			}
			width := n - i + 7*strings.Count(l[i:n], "\t")
			lead := width
			if i > 0 {
				lead-- // the last may break the line
			}
			f.out.WriteString(strings.Repeat("\u00a0", min(lead, 200)))
			if i > 0 {
				f.out.WriteByte(' ')
			}
			i = n
			continue
		}
		n := i
		for n < len(l) && l[n] != ' ' && l[n] != '\t' {
			n++
		}
		f.word(l[i:n])
		i = n
	}
}

// word writes a word, as a link if there is an address in it.
func (f *fromText) word(w string) {
	from, to, href := findLink(w)
	if href == "" {
		f.escape(w)
		return
	}
	f.escape(w[:from])
	a := appendAttr([]byte("<a"), "href", href)
	f.out.Write(append(a, ` rel="noopener noreferrer nofollow" target="_blank">`...))
	f.escape(w[from:to])
	f.out.WriteString("</a>")
	f.escape(w[to:])
}

func (f *fromText) escape(s string) { f.out.Write(appendText(nil, []byte(s))) }

// findLink looks for one address in a word: a URL, a host that begins with "www.", or a mail address.
func findLink(w string) (from, to int, href string) {
	lower := asciiLower(w)
	for _, p := range []string{"https://", "http://", "mailto:", "www."} {
		i := strings.Index(lower, p)
		if i < 0 || i > 0 && (isAlpha(w[i-1]) || isDigit(w[i-1])) {
			continue
		}
		end := linkEnd(w, i)
		u := w[i:end]
		if p == "www." {
			u = "https://" + u
		}
		if scheme, clean, ok := cleanURL(u); ok && linkScheme(scheme) && len(u) > len(p) {
			return i, end, clean
		}
	}
	at := strings.IndexByte(w, '@')
	if at <= 0 {
		return 0, 0, ""
	}
	for from = at; from > 0 && (isAlpha(w[from-1]) || isDigit(w[from-1]) || strings.IndexByte(".!#$%*+-/=?_~", w[from-1]) >= 0); {
		from--
	}
	for to = at + 1; to < len(w) && (isAlpha(w[to]) || isDigit(w[to]) || w[to] == '.' || w[to] == '-'); {
		to++
	}
	for to > at && (w[to-1] == '.' || w[to-1] == '-') {
		to--
	}
	if from == at || !strings.Contains(w[at:to], ".") {
		return 0, 0, ""
	}
	scheme, href, ok := cleanURL("mailto:" + strings.ReplaceAll(w[from:to], "%", "%25"))
	if !ok || scheme != "mailto" {
		return 0, 0, ""
	}
	return from, to, href
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// linkEnd finds where an address in running text ends: before a bracket or quote that closes around it, and before punctuation.
func linkEnd(w string, from int) int {
	end := from
	depth := 0
loop:
	for ; end < len(w); end++ {
		switch w[end] {
		case '<', '>', '"', '`', '\\', '|', '^', '{', '}':
			break loop
		case '(', '[':
			depth++
		case ')', ']':
			if depth--; depth < 0 {
				break loop
			}
		}
	}
	for end > from && strings.IndexByte(".,;:!?'*_", w[end-1]) >= 0 {
		end--
	}
	return end
}
