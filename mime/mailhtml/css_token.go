package mailhtml

import (
	"strings"
	"unicode/utf8"
)

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

// unescape reads what follows a backslash: up to six hexadecimal digits and one blank, or a character.
func (l *lexer) unescape() rune {
	l.i++
	var r rune
	n := 0
	for ; n < 6; n++ {
		c := l.peek(0)
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			if n == 0 {
				r, size := utf8.DecodeRuneInString(l.s[l.i:])
				l.i += size
				return r
			}
			if isSpace(c) {
				if c == '\r' && l.peek(1) == '\n' {
					l.i++
				}
				l.i++
			}
			return valid(r)
		}
		l.i++
	}
	if isSpace(l.peek(0)) {
		l.i++
	}
	return valid(r)
}

func valid(r rune) rune {
	if r == 0 || !utf8.ValidRune(r) {
		return utf8.RuneError
	}
	return r
}

func (l *lexer) str(quote byte) token {
	l.i++
	var b strings.Builder
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case c == quote:
			l.i++
			return token{kind: tokString, text: b.String()}
		case c == '\n' || c == '\r' || c == '\f':
			return token{kind: tokBad} // the line end is not part of it
		case l.escape(0):
			b.WriteRune(l.unescape())
		case c == '\\':
			l.i++
			if l.peek(0) == '\r' && l.peek(1) == '\n' {
				l.i++
			}
			if l.i < len(l.s) {
				l.i++ // a line that goes on
			}
		default:
			b.WriteByte(c)
			l.i++
		}
	}
	return token{kind: tokBad} // where a parser would stop being sure, judge nothing
}

// identLike reads a name, a function or an unquoted url().
func (l *lexer) identLike() token {
	name := l.name()
	if l.peek(0) != '(' {
		return token{kind: tokIdent, text: name}
	}
	l.i++
	if !strings.EqualFold(name, "url") {
		return token{kind: tokFunction, text: strings.ToLower(name)}
	}
	i := l.i
	for i < len(l.s) && isSpace(l.s[i]) {
		i++
	}
	if i < len(l.s) && (l.s[i] == '"' || l.s[i] == '\'') {
		return token{kind: tokFunction, text: "url"}
	}
	l.i = i
	var b strings.Builder
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case c == ')':
			l.i++
			return token{kind: tokURL, text: b.String()}
		case l.escape(0):
			b.WriteRune(l.unescape())
		case isSpace(c):
			b.WriteByte(' ') // trailing, or else inside: cleanURL encodes it, more leniently than CSS
			l.i++
		case c == '"' || c == '\'' || c == '(' || c == '\\' || c < ' ':
			for l.i < len(l.s) && l.s[l.i] != ')' {
				if l.escape(0) {
					l.unescape()
				} else {
					l.i++
				}
			}
			l.i = min(l.i+1, len(l.s))
			return token{kind: tokBad}
		default:
			b.WriteByte(c)
			l.i++
		}
	}
	return token{kind: tokBad}
}

func lex(s string) []token {
	l := &lexer{s: s}
	ts := make([]token, 0, len(s)/4+4)
	for t := l.next(); t.kind != tokEnd; t = l.next() {
		ts = append(ts, t)
	}
	return ts
}
