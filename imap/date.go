package imap

import "time"

// dateTimeLayout is date-time without its quotes; the day is padded with a space (RFC 9051 section 9).
const dateTimeLayout = "_2-Jan-2006 15:04:05 -0700"

// DateTime requires a date-time, as APPEND has it: "17-Jul-1996 02:44:25 -0700" in quotes.
func (d *Decoder) DateTime() time.Time {
	if !d.Peek('"') {
		if d.ok() {
			d.fail("Date and time expected before " + describe(d.line))
		}
		return time.Time{}
	}
	s := d.quoted()
	t, err := time.Parse(dateTimeLayout, s)
	if d.err == nil && (err != nil || len(s) != 26) {
		d.fail("Bad date and time")
	}
	return t
}

// Date requires a date, as SEARCH has it: 1-Feb-1994, with or without quotes. The result is midnight UTC.
func (d *Decoder) Date() time.Time {
	var s string
	if d.Peek('"') {
		s = d.quoted()
	} else {
		s = d.Atom()
	}
	if d.err != nil || d.fatal != nil {
		return time.Time{}
	}
	t, err := time.Parse("2-Jan-2006", s)
	if err != nil {
		d.fail("Bad date")
	}
	return t
}

// appendDateTime writes a date-time with its quotes.
func appendDateTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.AppendFormat(b, dateTimeLayout)
	return append(b, '"')
}
