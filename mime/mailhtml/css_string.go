package mailhtml

import (
	"strings"
	"unicode/utf8"
)

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
