package imap

import (
	"bytes"
	"time"

	"github.com/buuta/mail"
)

// FetchLabel requires the name of a data item as a FETCH response has it: "FLAGS", "BODY[1.TEXT]<0>" (RFC 9051 section 7.5.2).
// The Partial of the item has the offset only. Items of extensions that aren't known here come by their names.
func (d *Decoder) FetchLabel() FetchItem {
	if !d.ok() {
		return FetchItem{}
	}
	if n := len(d.label); n > 0 && len(d.line) > n && d.line[n] == ' ' && bytes.Equal(d.line[:n], d.label) {
		d.line = d.line[n:]
		return d.labelItem
	}
	start := d.line
	name := d.fetchName()
	if d.err != nil || !d.Peek('[') {
		return FetchItem{Att: FetchAtt(name)}
	}
	item := FetchItem{Att: FetchAtt(name)}
	switch name {
	case "BODY":
		item.Att = FetchBodySection
	case "BINARY":
		item.Att = FetchBinary
	case "BINARY.SIZE":
	default:
		d.fail("Unknown data item " + describe(start))
		return item
	}
	item.Section = d.section(false)
	if d.Try('<') {
		item.Partial = &Partial{Offset: d.Number()}
		d.Special('>')
	}
	if d.ok() && len(start)-len(d.line) < 1024 {
		d.label, d.labelItem = append(d.label[:0], start[:len(start)-len(d.line)]...), item
	}
	return item
}

// FetchFlags requires a list of flags as responses have it. recent tells of \Recent, any of \*, which PERMANENTFLAGS has;
// flags with a backslash that no store has, and names that could not be written back, are left out.
func (d *Decoder) FetchFlags() (f mail.Flags, recent, any bool) {
	var l flagCollector
	d.Special('(')
	for i := 0; d.ok(); i++ {
		for d.TrySP() {
		}
		if d.Try(')') {
			break
		}
		if i >= d.Limits.Items {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many flags"})
			break
		}
		slash := d.Try('\\')
		if slash && d.Try('*') {
			any = true
			continue
		}
		n := 0
		for n < len(d.line) && d.line[n] != ' ' && d.line[n] != ')' && d.line[n] != '(' {
			n++
		}
		if n == 0 {
			d.fail("Flag expected before " + describe(d.line))
			break
		}
		name := d.take(n)
		if !slash {
			if mail.ValidKeyword(name) {
				l.keywords = append(l.keywords, name)
			}
		} else if s, ok := systemFlag(name); ok {
			l.system |= s
		} else if equalFold([]byte(name), "RECENT") {
			recent = true
		}
	}
	return l.flags(), recent, any
}

// FetchDate requires a date-time as responses have it, quoted; days may lack their leading space or zero. NIL is the zero
// time.
func (d *Decoder) FetchDate() time.Time {
	if d.TryWord("NIL") {
		return time.Time{}
	}
	if !d.Peek('"') {
		d.fail("Date and time expected before " + describe(d.line))
		return time.Time{}
	}
	b := d.quotedText()
	t, ok := d.parseDateTime(bytes.TrimLeft(b, " "))
	if !ok {
		d.fail("Bad date and time " + describe(b))
	}
	return t
}

const monthNames = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"

// parseDateTime reads "1-Feb-2026 21:52:25 +0700".
func (d *Decoder) parseDateTime(b []byte) (time.Time, bool) {
	num := func(b []byte) (n int, ok bool) {
		u, ok := parseNumber(b, 9999)
		return int(u), ok
	}
	dash := bytes.IndexByte(b, '-')
	if dash < 1 || dash > 2 || len(b)-dash != 24 || b[dash+4] != '-' || b[dash+9] != ' ' || b[dash+12] != ':' || b[dash+15] != ':' || b[dash+18] != ' ' {
		return time.Time{}, false
	}
	day, ok1 := num(b[:dash])
	b = b[dash+1:]
	month := 0
	for m := range 12 {
		if equalFold(b[:3], monthNames[3*m:3*m+3]) {
			month = m + 1
		}
	}
	year, ok2 := num(b[4:8])
	hour, ok3 := num(b[9:11])
	minute, ok4 := num(b[12:14])
	second, ok5 := num(b[15:17])
	zone, ok6 := num(b[19:23])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || month == 0 || b[18] != '+' && b[18] != '-' || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	offset := (zone/100*60 + zone%100) * 60
	if b[18] == '-' {
		offset = -offset
	}
	if d.zone == nil || d.zoneOffset != offset {
		d.zone, d.zoneOffset = time.FixedZone("", offset), offset
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, d.zone), true
}

// ModSeqItem requires a FETCH response's MODSEQ, "(624140003)" (RFC 7162 section 7).
func (d *Decoder) ModSeqItem() mail.ModSeq {
	d.Special('(')
	m := mail.ModSeq(d.Number64())
	d.Special(')')
	return m
}
