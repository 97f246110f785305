package mime

// addressScanner reads an address list from left to right, each octet once. It decides as late as it can: a word may turn
// out to be a display name, a group's name or a local-part.
type addressScanner struct {
	s    string
	i    int
	p    *AddressParser
	max  int
	list []Address
	err  *SyntaxError

	group bool
	full  bool // max is reached

	phrase  piece // all words so far, blanks between them: a display name if '<' follows
	before  piece // phrase as it was before the current cluster
	cluster piece // adjacent words: a local-part if '@' follows, a domain after it
	local   piece // the local-part, once '@' was seen
	at      bool
	done    Address // an address that was complete when another word began
	hasDone bool
	angle   bool // an address in angle brackets was read; done holds it
	quoted  bool // the last word was a quoted string
	comment string

	noPlain                       bool // for tests: read everything by the whole grammar
	noQuote, noComment, noLiteral bool // the text has no further closing mark: the opening one is an ordinary character
	noWord                        int  // no encoded word begins before this offset
	routeTo                       int  // a source route reaches to this offset
}

func (a *addressScanner) fail(what string) {
	if a.err == nil {
		a.err = &SyntaxError{"address list: " + what, a.i}
	}
}

func (a *addressScanner) run() {
	a.plains()
	gap := true // blanks or a comment since the last word
	for a.i < len(a.s) && !a.full {
		switch c := a.s[a.i]; c {
		case ' ', '\t', '\r', '\n', 0:
			gap = true
			a.i++
		case '(':
			if text, ok := a.readComment(); ok {
				if a.comment == "" {
					a.comment = text
				}
				gap = true
				continue
			}
			a.word(gap)
			gap = false
		case ',':
			a.finish()
			a.i++
			gap = true
			a.plains()
		case ';':
			a.finish()
			if a.group {
				a.group = false
				a.list = append(a.list, Address{Kind: GroupEnd}) // even when the list is full: marks come in pairs
			} else {
				a.fail("';' outside a group")
			}
			a.i++
			gap = true
		case ':':
			a.colon()
			gap = true
		case '<':
			a.angleAddr()
			gap = true
		case '>':
			a.fail("'>' without '<'")
			a.i++
		case '@':
			a.atSign()
			gap = false
		default:
			a.word(gap)
			gap = false
		}
	}
	a.finish()
	if a.group {
		a.fail("group without ';'")
		a.list = append(a.list, Address{Kind: GroupEnd})
	}
}

// colon ends a group's name (RFC 5322 section 3.4), or is damage.
func (a *addressScanner) colon() {
	if a.group || a.at || a.hasDone || a.phrase.empty() {
		a.fail("':' in the wrong place")
		a.i++
		return
	}
	a.emit(Address{Kind: GroupStart, Name: a.name(a.phrase)})
	a.i++
	a.reset()
}

// word takes an atom, dots included, a quoted string or an encoded word.
func (a *addressScanner) word(gap bool) {
	var w piece
	start := a.i
	a.quoted = false
	switch a.s[a.i] {
	case '"':
		if w = a.readQuoted(); a.i > start {
			a.quoted = true
			break
		}
		fallthrough
	default:
		a.i = a.atomEnd()
		w = piece{s: a.s, start: start, end: a.i}
	case '[':
		if a.at && a.readLiteral() {
			w = piece{s: a.s, start: start, end: a.i}
			break
		}
		a.i = a.atomEnd()
		w = piece{s: a.s, start: start, end: a.i}
	}
	if gap && !a.cluster.empty() && !a.joins(w) {
		if a.at {
			a.complete()
		}
		a.before = a.phrase
		a.cluster = piece{}
	}
	a.cluster.add(w, false)
	a.phrase.add(w, gap)
}

// joins reports whether a word continues the cluster although blanks stand between: "john . doe @ example . com" was once
// allowed (RFC 5322 section 4.4).
func (a *addressScanner) joins(w piece) bool {
	return !a.quoted && (a.cluster.last() == '.' || w.first() == '.')
}

// atSign ends a local-part.
func (a *addressScanner) atSign() {
	at := piece{s: a.s, start: a.i, end: a.i + 1}
	a.phrase.add(at, false)
	if a.at { // "a@b@c": the last one counts
		a.fail("'@' twice")
		a.local.add(at, false)
		a.local.add(a.cluster, false)
	} else {
		if a.hasDone && !a.angle {
			a.fail("no comma between addresses")
			a.emitDone()
			a.before = piece{}
		}
		a.local = a.cluster
	}
	a.cluster, a.at = piece{}, true
	a.i++
}
