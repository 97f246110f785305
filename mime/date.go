package mime

import (
	"strings"
	"time"
)

// FormatDate writes a date-time: "Mon, 02 Jan 2006 15:04:05 -0700" (RFC 5322 section 3.3).
func FormatDate(t time.Time) string { return t.Format("Mon, 02 Jan 2006 15:04:05 -0700") }

// ParseDate reads a date-time (RFC 5322 section 3.3) with the obsolete forms of section 4.3 and what is met in the wild:
// comments anywhere, one-digit hours, no seconds, no zone (read as +0000), years of two or three digits, asctime's and
// RFC 850's order, ISO 8601, AM and PM, dots for colons. The day of the week is not checked. The error is a *[SyntaxError].
func ParseDate(s string) (time.Time, error) {
	p := dateParser{s: s, year: -1, day: -1, hour: -1}
	if !p.run() || p.year < 0 || p.month == 0 || p.day < 0 {
		return time.Time{}, &SyntaxError{"no date-time", min(p.i, len(s))}
	}
	p.hour = max(p.hour, 0)
	if p.pm && p.hour < 12 {
		p.hour += 12
	} else if p.am && p.hour == 12 {
		p.hour = 0
	}
	if p.day < 1 || p.day > daysIn(p.month, p.year) || p.hour > 23 || p.min > 59 || p.sec > 60 {
		return time.Time{}, &SyntaxError{"date-time out of range", 0}
	}
	loc := time.UTC
	if p.zone != 0 {
		loc = time.FixedZone("", p.zone*60)
	}
	return time.Date(p.year, p.month, p.day, p.hour, p.min, p.sec, p.nano, loc), nil
}

func daysIn(m time.Month, year int) int {
	return time.Date(year, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

type dateParser struct {
	s                    string
	i                    int
	year, day            int
	month                time.Month
	hour, min, sec, nano int
	zone                 int // minutes east
	hasZone, am, pm      bool
}

// run reads the text word by word. What a number is follows from its length, its neighbours and what is known already.
func (p *dateParser) run() bool {
	words := 0
	for p.i < len(p.s) {
		if words++; words > 40 { // nothing that long is a date
			return false
		}
		switch c := p.s[p.i]; {
		case c == '(':
			p.comment()
		case isDigit(c):
			if !p.number() {
				return false
			}
		case isLetter(c):
			if !p.word() {
				return false
			}
		case (c == '+' || c == '-') && p.hour >= 0 && p.i+1 < len(p.s) && isDigit(p.s[p.i+1]) && !p.hasZone && (p.year >= 0 || c == '+'):
			p.offset()
		case c == ' ', c == '\t', c == '\r', c == '\n':
			words--
			p.i++
		case c == ',', c == '-', c == '/', c == '.', c == '"', c == '\'', c == ':', c == ';':
			p.i++
		default:
			return p.hour >= 0 // rubbish after a whole date does no harm
		}
	}
	return true
}

func (p *dateParser) comment() {
	depth := 0
	for ; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '\\':
			p.i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				p.i++
				return
			}
		}
	}
}

// digits reads at most nine digits.
func (p *dateParser) digits() (v, n int) {
	for ; p.i < len(p.s) && isDigit(p.s[p.i]) && n < 9; n++ {
		v = v*10 + int(p.s[p.i]-'0')
		p.i++
	}
	return v, n
}

func (p *dateParser) number() bool {
	v, n := p.digits()
	end := p.i
	if p.skip(); p.i >= len(p.s) || p.s[p.i] != ':' {
		p.i = end
	}
	next := byte(0)
	if p.i < len(p.s) {
		next = p.s[p.i]
	}
	switch {
	case next == ':' && p.hour < 0, next == '.' && p.hour < 0 && p.day >= 0 && p.year >= 0 && n <= 2:
		p.clock(v, next)
	case n == 4 && p.year < 0 && (next == '-' || next == '/') && p.month == 0: // ISO 8601
		p.year = v
		p.i++
		if m, k := p.digits(); k > 0 && m >= 1 && m <= 12 {
			p.month = time.Month(m)
		}
	case n <= 2 && p.day < 0:
		p.day = v
	case p.year < 0 && n >= 2 && n <= 4:
		p.year = obsoleteYear(v, n)
	case p.hour < 0 && n <= 2 && p.day >= 0:
		p.hour = v
	default:
		return p.hour >= 0 && n <= 4
	}
	return true
}

// obsoleteYear: "If a two digit year is encountered whose value is between 00 and 49, the year is interpreted by adding
// 2000 […]. If a two digit year is encountered with a value between 50 and 99, or any three digit year is encountered,
// the year is interpreted by adding 1900." (RFC 5322 section 4.3)
func obsoleteYear(v, digits int) int {
	switch {
	case digits == 2 && v < 50:
		return v + 2000
	case digits < 4:
		return v + 1900
	}
	return v
}

// clock reads minutes and seconds after the hour. Blanks and comments may stand around the colons (RFC 5322 section 4.3).
func (p *dateParser) clock(hour int, sep byte) {
	p.hour = hour
	p.i++
	p.skip()
	p.min, _ = p.digits()
	end := p.i
	if p.skip(); p.i < len(p.s) && p.s[p.i] == sep {
		p.i++
		p.skip()
	}
	if p.i >= len(p.s) || !isDigit(p.s[p.i]) || p.i == end {
		p.i = end
		return
	}
	if between := p.s[end:p.i]; strings.IndexByte(between, sep) < 0 { // "9:05 2026"
		p.i = end
		return
	}
	p.sec, _ = p.digits()
	if p.i+1 < len(p.s) && (p.s[p.i] == '.' || p.s[p.i] == ',') && isDigit(p.s[p.i+1]) {
		p.i++
		v, n := p.digits()
		for ; n < 9; n++ {
			v *= 10
		}
		p.nano = v
		for p.i < len(p.s) && isDigit(p.s[p.i]) {
			p.i++
		}
	}
}

// skip passes over blanks and comments.
func (p *dateParser) skip() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		case '(':
			p.comment()
		default:
			return
		}
	}
}

// offset reads "+hhmm", "+hh:mm", "+hmm" or "+hh".
func (p *dateParser) offset() {
	negative := p.s[p.i] == '-'
	p.i++
	v, n := p.digits()
	h, m := v/100, v%100
	if n <= 2 {
		h, m = v, 0
		if p.i+2 < len(p.s) && p.s[p.i] == ':' && isDigit(p.s[p.i+1]) {
			p.i++
			m, _ = p.digits()
		}
	}
	p.hasZone = true
	if h > 23 || m > 59 {
		return
	}
	if p.zone = h*60 + m; negative {
		p.zone = -p.zone
	}
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
