package mime

import "strings"

// angleAddr reads "<" [route ":"] addr-spec ">" (RFC 5322 sections 3.4 and 4.4).
func (a *addressScanner) angleAddr() {
	if a.hasDone && a.angle {
		a.fail("no comma between addresses")
		a.emitDone()
	}
	x := Address{Name: a.name(a.phrase)}
	comment := a.comment
	for a.i++; a.i < len(a.s) && a.s[a.i] == '<'; a.i++ {
		a.fail("'<' twice")
	}
	a.readAngle(&x)
	for a.i < len(a.s) && a.s[a.i] == '>' {
		a.i++
	}
	if x.Mailbox == "" || x.Host == "" {
		a.fail("address without local-part or domain")
	}
	if comment == "" {
		comment = a.comment
	}
	a.reset()
	a.done, a.hasDone, a.angle, a.comment = x, true, true, comment
}

// readAngle reads what stands between the brackets and leaves i at the closing one, or where the address ends without.
func (a *addressScanner) readAngle(x *Address) {
	var local, cur piece
	route, at, gap := -1, false, false
	a.at = true // brackets within are domain literals
	defer func() {
		a.at = false
		if at {
			x.Mailbox, x.Host = local.String(), cur.String()
		} else {
			x.Mailbox = cur.String()
		}
	}()
	for a.i < len(a.s) {
		switch c := a.s[a.i]; c {
		case '>':
			return
		case ' ', '\t', '\r', '\n', 0:
			gap = true
			a.i++
			continue
		case '(':
			if text, ok := a.readComment(); ok {
				if a.comment == "" {
					a.comment = text
				}
				continue
			}
			a.angleWord(&cur, gap)
		case '@':
			if at {
				if x.Route != "" || route < 0 {
					a.fail("'@' twice")
				}
				local.add(piece{s: a.s, start: a.i, end: a.i + 1}, false)
				local.add(cur, false)
			} else {
				if cur.empty() {
					route = a.i
				}
				local = cur
			}
			at, cur = true, piece{}
			a.i++
		case ':':
			if route >= 0 && x.Route == "" {
				x.Route = removeBlanks(a.s[route:a.i])
			} else {
				a.fail("':' in an address") // "<mailto:a@b>"
			}
			local, cur, at, route = piece{}, piece{}, false, -1
			a.i++
		case ',', ';', '<':
			if c != ',' || route < 0 || !a.routeAhead() {
				a.fail("no '>'")
				return
			}
			local, cur, at = piece{}, piece{}, true
			a.i++
		default:
			a.angleWord(&cur, gap)
		}
		gap = false
	}
	a.fail("no '>'")
}

// routeAhead reports whether what follows a comma is still a source route: a colon comes before a bracket. Only octets of
// this pair of brackets are looked at, and "no" ends it, so the time stays linear.
func (a *addressScanner) routeAhead() bool {
	if a.i < a.routeTo {
		return true
	}
	n := strings.IndexAny(a.s[a.i:], ":<>;")
	if n < 0 || a.s[a.i+n] != ':' {
		return false
	}
	a.routeTo = a.i + n
	return true
}

// angleWord takes the next word of an addr-spec.
func (a *addressScanner) angleWord(cur *piece, gap bool) {
	start := a.i
	var w piece
	switch a.s[a.i] {
	case '"':
		w = a.readQuoted()
	case '[':
		if a.readLiteral() {
			w = piece{s: a.s, start: start, end: a.i}
		}
	}
	if a.i == start {
		a.i = a.atomEnd()
		w = piece{s: a.s, start: start, end: a.i}
	}
	join := cur.empty() || !gap || cur.last() == '.' || w.first() == '.'
	if !join {
		a.fail("blank in an address")
	}
	cur.add(w, !join)
}

func removeBlanks(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, s)
}
