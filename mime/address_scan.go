package mime

import "strings"

// piece is text that is part of the source where that is possible, and a copy only when it has to be put together.
type piece struct {
	s          string
	start, end int
	buf        []byte // used instead once not nil
}

func (p *piece) len() int {
	if p.buf != nil {
		return len(p.buf)
	}
	return p.end - p.start
}

func (p *piece) empty() bool { return p.len() == 0 && p.buf == nil && p.s == "" }

func (p *piece) String() string {
	if p.buf != nil {
		return string(p.buf)
	}
	return p.s[p.start:p.end]
}

func (p *piece) at(i int) byte {
	if p.buf != nil {
		return p.buf[i]
	}
	return p.s[p.start+i]
}

func (p *piece) first() byte {
	if p.len() == 0 {
		return 0
	}
	return p.at(0)
}

func (p *piece) last() byte {
	if p.len() == 0 {
		return 0
	}
	return p.at(p.len() - 1)
}

// add appends w, after a space when gap is set and there is something before it.
func (p *piece) add(w piece, gap bool) {
	if p.empty() {
		*p = w
		p.buf = p.buf[:len(p.buf):len(p.buf)]
		return
	}
	if p.buf == nil && w.buf == nil {
		if w.start == p.end && !gap || gap && w.start == p.end+1 && p.s[p.end] == ' ' {
			p.end = w.end
			return
		}
	}
	if p.buf == nil {
		p.buf = append(make([]byte, 0, p.len()+w.len()+32), p.s[p.start:p.end]...)
	}
	if gap {
		p.buf = append(p.buf, ' ')
	}
	if w.buf != nil {
		p.buf = append(p.buf, w.buf...)
	} else {
		p.buf = append(p.buf, w.s[w.start:w.end]...)
	}
}

// atomEnd returns where the word that begins here ends. The first octet is taken whatever it is. An encoded word is taken
// whole although it may hold a comma or a bracket that should have been encoded.
func (a *addressScanner) atomEnd() int {
	i := a.i
	if n := a.encodedWordLength(i); n > 0 {
		return i + n
	}
	for i++; i < len(a.s); i++ {
		c := a.s[i]
		if c != '=' && isAtext(c) || c == '.' {
			continue
		}
		if c == '=' {
			if a.encodedWordLength(i) > 0 {
				break
			}
			continue
		}
		if c <= ' ' || c == '(' || c == ')' || c == '<' || c == '>' || c == '@' || c == ',' || c == ';' || c == ':' || c == '"' || c == '[' {
			if c == '[' && !a.at || c == ')' || c > 0 && c < ' ' && c != '\t' && c != '\r' && c != '\n' {
				continue
			}
			break
		}
	}
	return i
}

// encodedWordLength returns the length of the encoded word at i, 0 when there is none. A word has no blanks and at most
// 1,000 octets here.
func (a *addressScanner) encodedWordLength(i int) int {
	if i < a.noWord || !strings.HasPrefix(a.s[i:], "=?") {
		return 0
	}
	s := a.s[i : i+min(len(a.s)-i, 1000)]
	marks := 0
	for j := 2; j < len(s); j++ {
		switch c := s[j]; {
		case c <= ' ':
			if marks >= 2 {
				a.noWord = i + j
			}
			return 0
		case c == '?' && marks < 2:
			marks++
			if marks == 2 && s[j-2] != '?' || j == 2 {
				return 0
			}
		case c == '?' && marks == 2 && j+1 < len(s) && s[j+1] == '=':
			return j + 2
		case marks == 0 && j > maxCharsetName:
			return 0
		}
	}
	if marks >= 2 && len(s) < 1000 {
		a.noWord = len(a.s)
	}
	return 0
}

// readQuoted reads a quoted string; its piece is never empty in the sense of empty(). It leaves i where it is when
// there is no closing quote.
func (a *addressScanner) readQuoted() piece {
	if a.noQuote {
		return piece{}
	}
	start := a.i + 1
	var buf []byte
	from := start
	for i := start; i < len(a.s); i++ {
		switch a.s[i] {
		case '\\':
			if i+1 < len(a.s) {
				buf = append(buf, a.s[from:i]...)
				i++
				from = i
			}
		case '"':
			a.i = i + 1
			if from == start {
				return piece{s: a.s, start: start, end: i}
			}
			return piece{buf: append(buf, a.s[from:i]...)}
		case '\r', '\n':
			buf = append(buf, a.s[from:i]...)
			from = i + 1
		}
	}
	a.noQuote = true
	a.fail("no closing quote")
	return piece{}
}

// readComment reads a comment, nested ones included, and returns its text. ok is false, and i as it was, when it
// doesn't end.
func (a *addressScanner) readComment() (text string, ok bool) {
	if a.noComment {
		return "", false
	}
	depth, escaped := 0, false
	for i := a.i; i < len(a.s); i++ {
		switch a.s[i] {
		case '\\':
			escaped = true
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				text = strings.TrimSpace(a.s[a.i+1 : i])
				a.i = i + 1
				if escaped {
					text = unescape(text)
				}
				return text, true
			}
		}
	}
	a.noComment = true
	a.fail("no ')'")
	return "", false
}

// readLiteral reads a domain literal "[192.0.2.1]".
func (a *addressScanner) readLiteral() bool {
	if a.noLiteral {
		return false
	}
	end := strings.IndexByte(a.s[a.i:], ']')
	if end < 0 {
		a.noLiteral = true
		a.fail("no ']'")
		return false
	}
	a.i += end + 1
	return true
}

// unescape removes the backslash of each quoted-pair.
func unescape(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}
