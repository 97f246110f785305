package imap

import (
	"io"
	"strconv"
	"time"

	"github.com/buuta/mail"
)

// flushSize is when an Encoder hands its buffer on without being asked.
const flushSize = 16 << 10

// Encoder writes the grammar of RFC 9051 section 9 into a buffer that goes out when it is full or by [Encoder.Flush]. The
// first error of the writer is kept, and everything after it does nothing, so that one look at [Encoder.Flush]'s
// result is enough. Methods return the Encoder for chaining. It is for one goroutine.
type Encoder struct {
	// UTF8 lets quoted strings and mailbox names be UTF-8 (RFC 6855, RFC 9051 section 5.1). Otherwise such strings are
	// literals, and names modified UTF-7.
	UTF8 bool
	// Trace, if not nil, gets each line, without its end and up to its first literal, before it is sent.
	Trace func(line []byte)
	// Localize, if not nil, returns the text of a status response in the language that the peer wants (RFC 5255 section 3.2).
	Localize func(s *Status) string

	// Ask makes the Encoder a client's. It is called behind the announcement of a literal, which has been flushed, and returns
	// when the server's "+" has come. An error is the Encoder's. NonSync, if not nil, says which literals may be sent without
	// asking (RFC 7888).
	Ask     func() error
	NonSync func(l Literal) bool

	lineStart int  // in buf, where the line began
	traced    bool // this line has been shown

	w       io.Writer
	buf     []byte
	written int64
	err     error
}

// NewEncoder returns an Encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

// Reset makes e write to w, with nothing in its buffer.
func (e *Encoder) Reset(w io.Writer) {
	e.w, e.buf, e.err, e.lineStart, e.traced = w, e.buf[:0], nil, 0, false
}

// Flush hands what is buffered to the writer, and flushes the writer if it has a Flush method of its own: one that
// compresses.
func (e *Encoder) Flush() error {
	_ = e.handOn() // kept in e.err
	if f, ok := e.w.(interface{ Flush() error }); ok && e.err == nil {
		e.err = f.Flush()
	}
	return e.err
}

// handOn hands what is buffered to the writer.
func (e *Encoder) handOn() error {
	if len(e.buf) > 0 && e.err == nil {
		_, e.err = e.w.Write(e.buf)
		e.written += int64(len(e.buf))
	}
	e.buf, e.lineStart = e.buf[:0], 0
	return e.err
}

// FlushFull hands on a full buffer within a line, for lines that may be longer than what one wants to hold.
func (e *Encoder) FlushFull() *Encoder {
	if len(e.buf) >= flushSize {
		e.traceLine()
		_ = e.Flush() // kept in e.err
	}
	return e
}

// traceLine shows the line that is in the buffer, once.
func (e *Encoder) traceLine() {
	if e.Trace != nil && !e.traced && e.lineStart <= len(e.buf) {
		e.Trace(e.buf[e.lineStart:])
		e.traced = true
	}
}

// Release gives back the buffer when it is empty.
func (e *Encoder) Release() {
	if len(e.buf) == 0 {
		e.buf = nil
	}
}

// Err returns the writer's first error.
func (e *Encoder) Err() error { return e.err }

// Written returns how many octets have been handed to the writer.
func (e *Encoder) Written() int64 { return e.written }

// Raw writes s as it is.
func (e *Encoder) Raw(s string) *Encoder {
	e.buf = append(e.buf, s...)
	return e
}

// SP writes a space.
func (e *Encoder) SP() *Encoder {
	e.buf = append(e.buf, ' ')
	return e
}

// CRLF ends a line. A full buffer is handed on here.
func (e *Encoder) CRLF() *Encoder {
	e.traceLine()
	e.buf = append(e.buf, '\r', '\n')
	e.traced, e.lineStart = false, len(e.buf)
	if len(e.buf) >= flushSize {
		_ = e.handOn() // kept in e.err
	}
	return e
}

// Number writes a number.
func (e *Encoder) Number(n uint64) *Encoder {
	e.buf = strconv.AppendUint(e.buf, n, 10)
	return e
}

// Flags writes a list of flags; recent adds \Recent (RFC 3501 section 2.3.2).
func (e *Encoder) Flags(f mail.Flags, recent bool) *Encoder {
	e.buf = appendFlags(e.buf, f, recent)
	return e
}

// DateTime writes a date-time in quotes.
func (e *Encoder) DateTime(t time.Time) *Encoder {
	e.buf = appendDateTime(e.buf, t)
	return e
}

// UIDSet writes a set of UIDs. It must not be empty.
func (e *Encoder) UIDSet(s mail.UIDSet) *Encoder {
	for i, r := range s.Ranges() {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.buf = strconv.AppendUint(e.buf, uint64(r.First), 10)
		if r.Last != r.First {
			e.buf = strconv.AppendUint(append(e.buf, ':'), uint64(r.Last), 10)
		}
	}
	return e
}

// NumSet writes a sequence-set.
func (e *Encoder) NumSet(s NumSet) *Encoder {
	e.buf = s.append(e.buf)
	return e
}

// Status writes a status response with its tag, "*" for untagged, and ends the line.
func (e *Encoder) Status(tag string, s *Status) *Encoder {
	e.buf = append(append(e.buf, tag...), ' ')
	if e.Localize != nil {
		localized := *s
		localized.Text = e.Localize(s)
		s = &localized
	}
	e.buf = s.append(e.buf)
	return e.CRLF()
}

// Capabilities writes a list of capabilities, each with a space before it.
func (e *Encoder) Capabilities(list []Capability) *Encoder {
	for _, c := range list {
		e.buf = append(append(e.buf, ' '), c...)
	}
	return e
}
