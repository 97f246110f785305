// Package maildirsize reads and writes Maildir++'s quota file as Courier and Dovecot do. Its first line has the limits,
// "<octets>S,<messages>C"; each line after it has two numbers, octets and messages, which are added up. Who changes the
// mailboxes appends a line; who doubts the sum counts anew and replaces the file.
package maildirsize

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// Name is the file's name in the account's folder.
const Name = "maildirsize"

// MaxSize is how long the file may become before it is to be made anew.
const MaxSize = 5120

// fresh is how old a count may be for somebody to be refused by it.
const fresh = 15 * time.Minute

// Amount is a number of octets and of messages: limits, of which 0 is none, or a usage, or a change of one.
type Amount struct{ Bytes, Messages int64 }

// Plus returns the sum.
func (a Amount) Plus(b Amount) Amount {
	return Amount{a.Bytes + b.Bytes, a.Messages + b.Messages}
}

// Minus returns the difference.
func (a Amount) Minus(b Amount) Amount {
	return Amount{a.Bytes - b.Bytes, a.Messages - b.Messages}
}

// Within reports whether a usage keeps the limits.
func (a Amount) Within(limits Amount) bool {
	return (limits.Bytes <= 0 || a.Bytes <= limits.Bytes) && (limits.Messages <= 0 || a.Messages <= limits.Messages)
}

// File is what a quota file says.
type File struct {
	Limits Amount
	Used   Amount
	Lines  int // that Used is the sum of
}

// Trusted reports whether somebody may be refused because of the file, when that was written age ago. One that is the sum of
// changes, or old, may be wrong: its readers count anew before they refuse.
func (f *File) Trusted(age time.Duration) bool { return f.Lines == 1 && age <= fresh }

// Parse reads a file; ok is false for one that is damaged, empty or too long, whose limits count all the same. A last line
// without its end is being written, and doesn't count.
func Parse(b []byte) (f File, ok bool) {
	ok = len(b) < MaxSize && bytes.IndexByte(b, 0) < 0
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	f.Limits = parseLimits(string(first))
	for line := range bytes.Lines(rest) {
		// What stands behind the two numbers doesn't count.
		field := strings.Fields(string(line))
		if len(field) < 2 {
			return f, false
		}
		n, err := strconv.ParseInt(field[0], 10, 64)
		c, cerr := strconv.ParseInt(field[1], 10, 32)
		if err != nil || cerr != nil || n > math.MaxInt64/MaxSize || n < math.MinInt64/MaxSize {
			return f, false
		}
		f.Used = f.Used.Plus(Amount{n, c})
		f.Lines++
	}
	return f, ok && f.Lines > 0 && f.Used.Bytes >= 0 && f.Used.Messages >= 0
}

// parseLimits reads the first line. What it has of other resources is left out.
func parseLimits(s string) (a Amount) {
	for field := range strings.SplitSeq(strings.TrimSpace(s), ",") {
		if field == "" {
			continue
		}
		last := len(field) - 1
		n, err := strconv.ParseInt(field[:last], 10, 64)
		if err != nil && strings.Trim(field[:last], "0123456789") == "" && last > 0 {
			n, err = math.MaxInt64, nil // more than can be counted
		}
		if err != nil || n < 0 {
			continue
		}
		switch field[last] {
		case 'S':
			a.Bytes = n
		case 'C':
			a.Messages = n
		}
	}
	return a
}

// Format writes a whole file. Without limits its first line is Dovecot's "0S".
func Format(limits, used Amount) []byte {
	var b []byte
	if limits.Bytes > 0 || limits.Messages <= 0 {
		b = append(strconv.AppendInt(b, max(limits.Bytes, 0), 10), 'S')
	}
	if limits.Messages > 0 {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(b, limits.Messages, 10), 'C')
	}
	b = append(b, '\n')
	return append(b, Line(used)...)
}

// Line writes one change.
func Line(a Amount) []byte {
	b := strconv.AppendInt(nil, a.Bytes, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, a.Messages, 10)
	return append(b, '\n')
}
