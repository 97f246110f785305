package mailhtml

import "strings"

// tokenKind are the tokens of CSS Syntax Level 3 section 4, as far as they matter here.
type tokenKind uint8

const (
	tokEnd        tokenKind = iota
	tokIdent                // text is the name, unescaped
	tokFunction             // name(
	tokAt                   // @name
	tokHash                 // #name
	tokString               // text is the content, unescaped
	tokURL                  // url(unquoted); text is the address
	tokBad                  // unfinished string or url
	tokNumber               // text is the number as it stands
	tokPercentage           // text is the number
	tokDimension            // text is the number, unit its unit
	tokSpace                // blanks and comments
	tokDelim                // any other character, brackets, ":", ";" and ","
	tokCDO                  // <!-- or -->
)

type token struct {
	kind tokenKind
	c    byte // of a tokDelim
	text string
	unit string
}

func (t token) is(c byte) bool { return t.kind == tokDelim && t.c == c }

// lexer reads CSS. It takes comments for blanks: none is written, and what stood around one does not grow together.
type lexer struct {
	s string
	i int
}

func (l *lexer) peek(n int) byte {
	if l.i+n < len(l.s) {
		return l.s[l.i+n]
	}
	return 0
}

func (l *lexer) next() token {
	if l.i >= len(l.s) {
		return token{}
	}
	c := l.s[l.i]
	switch {
	case isSpace(c) || c == '/' && l.peek(1) == '*':
		l.space()
		return token{kind: tokSpace}
	case c == '"' || c == '\'':
		return l.str(c)
	case c == '#' && (isName(l.peek(1)) || l.escape(1)):
		l.i++
		return token{kind: tokHash, text: l.name()}
	case c == '@' && l.startsIdent(1):
		l.i++
		return token{kind: tokAt, text: strings.ToLower(l.name())}
	case strings.HasPrefix(l.s[l.i:], "<!--"):
		l.i += 4
		return token{kind: tokCDO}
	case strings.HasPrefix(l.s[l.i:], "-->"):
		l.i += 3
		return token{kind: tokCDO}
	case l.startsNumber():
		return l.number()
	case l.startsIdent(0):
		return l.identLike()
	}
	l.i++
	return token{kind: tokDelim, c: c}
}

func (l *lexer) space() {
	for l.i < len(l.s) {
		if isSpace(l.s[l.i]) {
			l.i++
		} else if strings.HasPrefix(l.s[l.i:], "/*") {
			end := strings.Index(l.s[l.i+2:], "*/")
			if end < 0 {
				l.i = len(l.s)
				return
			}
			l.i += end + 4
		} else {
			return
		}
	}
}

func isName(c byte) bool { return isAlpha(c) || isDigit(c) || c == '-' || c == '_' || c >= 0x80 }

// escape is whether a valid escape begins n octets on.
func (l *lexer) escape(n int) bool {
	return l.peek(n) == '\\' && l.i+n+1 < len(l.s) && l.peek(n+1) != '\n' && l.peek(n+1) != '\f' && l.peek(n+1) != '\r'
}

func (l *lexer) startsIdent(n int) bool {
	c := l.peek(n)
	if c == '-' {
		d := l.peek(n + 1)
		return isName(d) && !isDigit(d) || l.escape(n+1)
	}
	return isName(c) && !isDigit(c) || l.escape(n)
}

func (l *lexer) startsNumber() bool {
	c, d := l.peek(0), l.peek(1)
	if c == '+' || c == '-' {
		return isDigit(d) || d == '.' && isDigit(l.peek(2))
	}
	return isDigit(c) || c == '.' && isDigit(d)
}

func (l *lexer) number() token {
	from := l.i
	if c := l.peek(0); c == '+' || c == '-' {
		l.i++
	}
	digits := func() {
		for isDigit(l.peek(0)) {
			l.i++
		}
	}
	digits()
	if l.peek(0) == '.' && isDigit(l.peek(1)) {
		l.i++
		digits()
	}
	if l.peek(0)|0x20 == 'e' {
		if d := l.peek(1); isDigit(d) || (d == '+' || d == '-') && isDigit(l.peek(2)) {
			l.i += 2
			digits()
		}
	}
	t := token{kind: tokNumber, text: l.s[from:l.i]}
	if l.peek(0) == '%' {
		l.i++
		t.kind = tokPercentage
	} else if l.startsIdent(0) {
		t.kind, t.unit = tokDimension, l.name()
	}
	return t
}

// name reads a name and decodes its escapes.
func (l *lexer) name() string {
	from := l.i
	for l.i < len(l.s) && isName(l.s[l.i]) {
		l.i++
	}
	if !l.escape(0) {
		return l.s[from:l.i]
	}
	var b strings.Builder
	b.WriteString(l.s[from:l.i])
	for l.i < len(l.s) {
		if l.escape(0) {
			b.WriteRune(l.unescape())
		} else if isName(l.s[l.i]) {
			b.WriteByte(l.s[l.i])
			l.i++
		} else {
			break
		}
	}
	return b.String()
}

func lex(s string) []token {
	l := &lexer{s: s}
	ts := make([]token, 0, len(s)/4+4)
	for t := l.next(); t.kind != tokEnd; t = l.next() {
		ts = append(ts, t)
	}
	return ts
}
