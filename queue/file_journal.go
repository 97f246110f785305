package queue

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// The journal at the end of a queue file has lines of these kinds:
//
//	outcome   rcpt=0-3,7 state=D …    what has become of these recipients
//	notified  rcpt=0-3,7              the notification that was owed for them has been made
//	warned                            the sender has been told of the delay
//	order     expire=yes …            what an operator wants
//	arrived   time=…                  the time of arrival, if the clock was wrong then
//
// The checksum at the end of each line continues that of the line before, so that a line left over from an append that
// a crash cut off can't come to life when a later append happens to end where it begins. Reading stops at the first line
// that is not whole: nobody has been told that it was there.

const maxJournalLine = 1 << 20

// appendOutcome adds a line to buf and returns the checksum that the next one continues.
func appendOutcome(buf []byte, sum uint32, o *Outcome) ([]byte, uint32) {
	w := lineWriter{buf}
	at := len(buf)
	w.kind("outcome")
	w.str("rcpt", indexString(o.Recipients))
	w.str("state", string(rune(o.State)))
	w.flag("owed", o.Owed)
	w.time("time", o.Time)
	w.reply(o.Reply)
	w.opt("relay", o.Relay)
	w.opt("detail", o.Detail)
	w.flag("final", o.Final)
	w.flag("expanded", o.Expanded)
	w.flag("expired", o.Expired)
	return w.seal(at, sum)
}

func appendNotified(buf []byte, sum uint32, rcpts []int) ([]byte, uint32) {
	w := lineWriter{buf}
	w.kind("notified")
	w.str("rcpt", indexString(rcpts))
	return w.seal(len(buf), sum)
}

func appendWarned(buf []byte, sum uint32) ([]byte, uint32) {
	w := lineWriter{buf}
	w.kind("warned")
	return w.seal(len(buf), sum)
}

func appendArrived(buf []byte, sum uint32, t time.Time) ([]byte, uint32) {
	w := lineWriter{buf}
	w.kind("arrived")
	w.time("time", t)
	return w.seal(len(buf), sum)
}

func (w *lineWriter) seal(at int, sum uint32) ([]byte, uint32) {
	sum = crc32.Update(sum, castagnoli, w.buf[at:])
	w.buf = append(w.buf, " sum="...)
	w.buf = appendHex(w.buf, sum)
	w.end()
	return w.buf, sum
}

// indexString writes ascending numbers as "0-3,7".
func indexString(n []int) string {
	var b []byte
	for i := 0; i < len(n); i++ {
		first := n[i]
		for i+1 < len(n) && n[i+1] == n[i]+1 {
			i++
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(first), 10)
		if n[i] != first {
			b = append(b, '-')
			b = strconv.AppendInt(b, int64(n[i]), 10)
		}
	}
	return string(b)
}

// parseIndexes reads what indexString wrote, with every number below limit.
func parseIndexes(s string, limit int) ([]int, error) {
	var out []int
	last := -1
	for part := range strings.SplitSeq(s, ",") {
		a, b, two := strings.Cut(part, "-")
		first, err1 := strconv.Atoi(a)
		end, err2 := first, error(nil)
		if two {
			end, err2 = strconv.Atoi(b)
		}
		if err1 != nil || err2 != nil || first <= last || end < first || end >= limit {
			return nil, fmt.Errorf("%w: bad recipient numbers %q", ErrCorrupt, clip(s))
		}
		for i := first; i <= end; i++ {
			out = append(out, i)
		}
		last = end
	}
	return out, nil
}

// readJournal applies the journal to f.msg.
func (f *queueFile) readJournal(r io.ReaderAt, size int64) error {
	f.place = place{f.journalAt(), f.prologue.sum}
	if size == f.end {
		return nil
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r, f.end, size-f.end), int(min(size-f.end, 16<<10)))
	for {
		text, err := readJournalLine(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		sum, ok := checkSeal(text, f.place.sum)
		if !ok {
			return nil
		}
		l, err := parseLine(text)
		if err == nil {
			err = f.msg.applyLine(&l, f.env.total)
		}
		if err != nil {
			return err // whole but senseless: not the trace of a crash
		}
		f.place.sum = sum
		f.end += int64(len(text)) + 1
	}
}

// readJournalLine returns a line without its end, or io.EOF when there is no whole one.
func readJournalLine(r *bufio.Reader) (string, error) {
	var b []byte
	for {
		part, err := r.ReadSlice('\n')
		b = append(b, part...)
		switch {
		case err == nil:
			return string(b[:len(b)-1]), nil
		case err != bufio.ErrBufferFull:
			return "", err
		case len(b) > maxJournalLine:
			return "", io.EOF
		}
	}
}

func checkSeal(text string, sum uint32) (uint32, bool) {
	at := len(text) - len(" sum=00000000")
	if at < 0 || text[at:at+5] != " sum=" {
		return 0, false
	}
	got := crc32.Update(sum, castagnoli, []byte(text[:at]))
	return got, text[at+5:] == string(appendHex(make([]byte, 0, 8), got))
}

// appendHex writes eight hexadecimal digits.
func appendHex(buf []byte, n uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		buf = append(buf, "0123456789abcdef"[n>>shift&15])
	}
	return buf
}

// parseCode reads an enhanced status code "5.1.1" (RFC 3463 section 2).
func parseCode(s string) (code mail.EnhancedCode, ok bool) {
	for i := range code {
		part, rest, more := strings.Cut(s, ".")
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || more != (i < 2) {
			return code, false
		}
		code[i], s = int(n), rest
	}
	return code, true
}

func (m *Message) applyLine(l *line, total int) error {
	switch l.kind {
	case "warned":
		m.Warned = true
		return nil
	case "order":
		return m.Order.addLine(l)
	case "arrived":
		t, err := l.time("time")
		if err == nil && !t.IsZero() {
			m.Arrived = t
		}
		return err
	case "outcome", "notified":
	default:
		return nil
	}
	rcpts, err := parseIndexes(l.get("rcpt"), total)
	if err != nil {
		return err
	}
	if l.kind == "notified" {
		for _, i := range rcpts {
			if r := m.recipient(i); r != nil {
				r.Owed = false
			}
		}
		return nil
	}
	o := Outcome{Recipients: rcpts, Owed: l.get("owed") == "yes"}
	switch s := l.get("state"); s {
	case "P", "D", "F":
		o.State = RecipientState(s[0])
	default:
		return fmt.Errorf("%w: bad state %q", ErrCorrupt, clip(s))
	}
	if o.Attempt, err = parseAttempt(l); err != nil {
		return err
	}
	m.apply(&o)
	if m.seen != nil {
		m.seen(&o)
	}
	return nil
}

func parseAttempt(l *line) (a Attempt, err error) {
	if a.Time, err = l.time("time"); err != nil {
		return a, err
	}
	a.Relay, a.Detail = l.get("relay"), l.get("detail")
	a.Final, a.Expanded, a.Expired = l.get("final") == "yes", l.get("expanded") == "yes", l.get("expired") == "yes"
	a.Reply, err = parseReply(l)
	return a, err
}

// parseReply reads what lineWriter.reply wrote, nil for none.
func parseReply(l *line) (*mail.Reply, error) {
	code, err := l.num("code")
	if err != nil || code == 0 {
		return nil, err
	}
	r := &mail.Reply{Code: int(code), Text: l.get("text")}
	if e := l.get("enhanced"); e != "" {
		var ok bool
		if r.Enhanced, ok = parseCode(e); !ok {
			return nil, fmt.Errorf("%w: bad enhanced=%q", ErrCorrupt, clip(e))
		}
	}
	return r, nil
}

func (w *lineWriter) reply(r *mail.Reply) {
	if r == nil {
		return
	}
	w.num("code", int64(r.Code))
	w.opt("enhanced", r.Enhanced.String())
	w.opt("text", r.Text)
}

// apply marks an outcome in memory.
func (m *Message) apply(o *Outcome) {
	for _, i := range o.Recipients {
		if r := m.recipient(i); r != nil {
			r.State, r.Owed, r.Last = o.State, o.Owed, o.Attempt
		}
	}
}

// recipient returns a recipient by its number in the message, nil when it is not in this part.
func (m *Message) recipient(i int) *Recipient {
	if i -= m.First; i < 0 || i >= len(m.Recipients) {
		return nil
	}
	return &m.Recipients[i]
}
