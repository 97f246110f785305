package imap

import (
	"strconv"
	"strings"
)

// Progress says how far a command is, in an untagged OK with the code INPROGRESS (RFC 9585 section 4).
type Progress struct {
	Tag   string // of the command; "" when not said
	Done  uint32
	Goal  uint32 // what Done will be at the end; 0: not known
	Known bool   // Done is known
}

// Arg writes the argument of the response code, "" when nothing is known. A tag that would end the code, which RFC 3501
// allows, is left out.
func (p Progress) Arg() string {
	tag, done, goal := "NIL", "NIL", "NIL"
	if p.Tag != "" && !strings.Contains(p.Tag, "]") {
		tag = string(appendQuoted(nil, p.Tag))
	}
	if p.Known {
		done = strconv.FormatUint(uint64(p.Done), 10)
		if p.Goal > 0 {
			goal = strconv.FormatUint(uint64(p.Goal), 10)
		}
	}
	if tag == "NIL" && done == "NIL" {
		return ""
	}
	return "(" + tag + " " + done + " " + goal + ")"
}

// ParseProgress reads the argument of INPROGRESS: "", or "(tag done goal)", each of which may be NIL.
func ParseProgress(arg string) (p Progress, ok bool) {
	if arg == "" {
		return p, true
	}
	d := NewDecoder(strings.NewReader(arg + "\r\n"))
	d.Special('(')
	if !d.TryWord("NIL") {
		p.Tag = d.AString()
	}
	d.SP()
	if !d.TryWord("NIL") {
		p.Done, p.Known = d.Number(), true
	}
	d.SP()
	if !d.TryWord("NIL") {
		p.Goal = d.NZNumber()
	}
	d.Special(')')
	if d.CRLF() != nil || p.Goal > 0 && !p.Known {
		return Progress{}, false
	}
	return p, true
}

// MessageLimitArg writes the argument of MESSAGELIMIT: how many messages a command may have, and the lowest UID that it
// has worked on, 0 for none (RFC 9738 section 5).
func MessageLimitArg(limit, lowest uint32) string {
	arg := strconv.FormatUint(uint64(limit), 10)
	if lowest > 0 {
		arg += " " + strconv.FormatUint(uint64(lowest), 10)
	}
	return arg
}

// ParseMessageLimit reads the argument of MESSAGELIMIT.
func ParseMessageLimit(arg string) (limit, lowest uint32, ok bool) {
	d := NewDecoder(strings.NewReader(arg + "\r\n"))
	limit = d.NZNumber()
	if d.TrySP() {
		lowest = d.NZNumber()
	}
	return limit, lowest, d.CRLF() == nil
}
