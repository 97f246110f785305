package imap

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxQuoted is the length up to which strings are quoted rather than sent as literals.
const maxQuoted = 4096

// appendQuoted writes s in quotes. It must have no CR, LF or NUL.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// quotable says whether s can be a quoted string.
func quotable(s string, utf8OK bool) bool {
	if len(s) > maxQuoted {
		return false
	}
	eight := false
	for i := range len(s) {
		switch c := s[i]; {
		case c == 0 || c == '\r' || c == '\n':
			return false
		case c >= 0x80:
			eight = true
		}
	}
	return !eight || utf8OK && utf8.ValidString(s)
}

// String writes a string: quoted where that is possible, else a literal. NUL, which a literal can't hold either, is left
// out.
func (e *Encoder) String(s string) *Encoder {
	if quotable(s, e.UTF8) {
		e.buf = appendQuoted(e.buf, s)
		return e
	}
	e.literalHeader(int64(len(s) - countNUL(s)))
	for i := range len(s) {
		if s[i] != 0 {
			e.buf = append(e.buf, s[i])
		}
	}
	return e
}

func countNUL(s string) (n int) {
	for i := range len(s) {
		if s[i] == 0 {
			n++
		}
	}
	return n
}

// NString writes an nstring: NIL when set is false.
func (e *Encoder) NString(s string, set bool) *Encoder {
	if !set {
		return e.Raw("NIL")
	}
	return e.String(s)
}

// AString writes an astring: an atom where that is possible.
func (e *Encoder) AString(s string) *Encoder {
	if isAtom(s) {
		return e.Raw(s)
	}
	return e.String(s)
}

// AString returns s as an astring that is an atom or quoted. Characters that neither can hold are left out.
func AString(s string) string {
	if isAtom(s) {
		return s
	}
	clean := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c < 0x7f {
			clean = append(clean, c)
		}
	}
	return string(appendQuoted(nil, string(clean)))
}

// Mailbox writes a mailbox name, which is UTF-8: modified UTF-7 unless UTF8 is set.
func (e *Encoder) Mailbox(name string) *Encoder {
	if !e.UTF8 {
		name = EncodeUTF7(name)
	}
	return e.AString(name)
}

func (e *Encoder) literalHeader(n int64) { e.Announce(Literal{Size: n}) }

// Announce writes the announcement of a literal with its line end, and leaves its content to [Encoder.Content]: a client
// waits for the server's "+" between the two unless the literal is non-synchronizing (RFC 9051 section 4.3).
func (e *Encoder) Announce(l Literal) *Encoder {
	if e.Ask != nil {
		l.NonSync = e.NonSync != nil && e.NonSync(l)
	}
	if l.Binary {
		e.buf = append(e.buf, '~')
	}
	e.buf = strconv.AppendInt(append(e.buf, '{'), l.Size, 10)
	if l.NonSync {
		e.buf = append(e.buf, '+')
	}
	e.buf = append(e.buf, '}')
	e.traceLine()
	e.buf = append(e.buf, '\r', '\n')
	if e.Ask != nil && !l.NonSync && e.Flush() == nil {
		e.err = e.Ask()
	}
	return e
}

// Content writes the n octets of a literal that has been announced.
func (e *Encoder) Content(n int64, r io.Reader) *Encoder { return e.copy(n, r, false) }

// ErrShortLiteral says that a literal's source ended before the size that was announced: the stream is broken and must be
// closed.
var ErrShortLiteral = errors.New("imap: literal shorter than announced")

// Literal writes a literal of exactly n octets from r, through the buffer: it may be of any size. binary writes a
// literal8, which may hold NUL; in another NUL becomes the octet 0x80, so that sizes stay what they are (RFC 9051 section
// 4.3.1).
func (e *Encoder) Literal(n int64, r io.Reader, binary bool) *Encoder {
	return e.Announce(Literal{Size: n, Binary: binary}).copy(n, r, !binary)
}

// replaceNUL puts 0x80, which is no character by itself, where NUL is.
func replaceNUL(b []byte) {
	for i := bytes.IndexByte(b, 0); i >= 0; i = bytes.IndexByte(b, 0) {
		b[i] = 0x80
		b = b[i+1:]
	}
}

// LiteralBytes writes b as a literal. It must not hold NUL, unless "~" has been written before it.
func (e *Encoder) LiteralBytes(b []byte) *Encoder {
	e.literalHeader(int64(len(b)))
	if len(b) > flushSize {
		_ = e.handOn() // kept in e.err
		if e.err == nil {
			var n int
			n, e.err = e.w.Write(b)
			e.written += int64(n)
		}
		return e
	}
	e.buf = append(e.buf, b...)
	return e
}

// copyBuffer is the piece in which large literals go out.
const copyBuffer = 32 << 10

// copy moves n octets from r to the writer, NUL replaced if clean.
func (e *Encoder) copy(n int64, r io.Reader, clean bool) *Encoder {
	for n > 0 && e.err == nil {
		if len(e.buf) >= flushSize && e.handOn() != nil {
			break
		}
		have := len(e.buf)
		want := int(min(n, int64(copyBuffer)))
		if cap(e.buf)-have < want {
			if have > 0 && cap(e.buf) >= copyBuffer {
				if e.handOn() != nil {
					break
				}
				have = 0
			}
			if cap(e.buf)-have < want {
				grown := make([]byte, have, have+want)
				copy(grown, e.buf)
				e.buf = grown
			}
		}
		got, err := io.ReadFull(r, e.buf[have:have+want])
		if e.buf = e.buf[:have+got]; clean {
			replaceNUL(e.buf[have:])
		}
		n -= int64(got)
		if err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = ErrShortLiteral
			}
			_ = e.handOn()
			e.err = err
		}
	}
	return e
}

// SearchKey writes a search program as a command has it.
func (e *Encoder) SearchKey(k SearchKey) *Encoder {
	e.buf = k.append(e.buf, func(b []byte, s string) []byte {
		e.buf = b
		return e.AString(s).buf
	})
	return e
}
