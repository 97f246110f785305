package imap

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// Literal is the announcement of a literal: "{42}", "{42+}" or "~{42}" (RFC 9051 section 4.3, RFC 7888, RFC 3516).
type Literal struct {
	Size    int64
	NonSync bool // the peer doesn't wait for a continuation request
	Binary  bool // literal8: may hold NUL
}

// PeekLiteral reports whether a literal comes next.
func (d *Decoder) PeekLiteral() bool {
	return d.Peek('{') || d.Peek('~') && len(d.line) > 1 && d.line[1] == '{'
}

// Literal requires the announcement of a literal and reads no more than it: the answer is still open. Read the content
// through [Decoder.OpenLiteral], or refuse it by [Decoder.Skip].
func (d *Decoder) Literal() (l Literal) {
	if !d.ok() {
		return l
	}
	b := d.line
	if l.Binary = len(b) > 0 && b[0] == '~'; l.Binary {
		b = b[1:]
	}
	if len(b) == 0 || b[0] != '{' || bytes.IndexByte(b, '}') != len(b)-1 {
		d.fail("Literal expected before " + describe(d.line))
		return Literal{}
	}
	var ok bool
	if l.Size, l.NonSync, ok = literalTail(b); !ok {
		d.fail("Literal expected before " + describe(d.line))
		return Literal{}
	}
	if l.NonSync && d.Limits.NonSync > 0 && l.Size > d.Limits.NonSync {
		d.Fail(&Status{Type: BAD, Code: CodeTooBig, Text: "Non-synchronizing literal too large"})
		return Literal{}
	}
	return l
}

// OpenLiteral asks the peer for the literal that [Decoder.Literal] found, unless it comes by itself, and returns its
// content, which must be read to the end before the command goes on. The reader's EOF is the literal's end; when the
// peer goes away before, the error is io.ErrUnexpectedEOF.
func (d *Decoder) OpenLiteral(l Literal) io.Reader {
	if !d.ok() {
		return strings.NewReader("")
	}
	if !l.NonSync && d.Continue != nil {
		if err := d.Continue(); err != nil {
			d.fatal = err
			return &literalReader{d}
		}
	}
	d.haveLine, d.line, d.literal = false, nil, l.Size
	return &literalReader{d}
}

// literalReader reads what is left of the open literal.
type literalReader struct{ d *Decoder }

func (r *literalReader) Read(p []byte) (int, error) {
	d := r.d
	if d.fatal != nil {
		return 0, d.fatal
	}
	if d.literal == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), d.literal)]
	var n int
	var err error
	if d.start < d.end {
		n = copy(p, d.buf[d.start:d.end])
		d.start += n
	} else {
		n, err = d.r.Read(p)
	}
	d.literal -= int64(n)
	if n == 0 && err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		d.fatal = err
		return 0, err
	}
	return n, nil
}

// literalString reads a literal that stands for a string.
func (d *Decoder) literalString() string {
	l := d.Literal()
	if d.err != nil {
		return ""
	}
	if l.Size > d.Limits.Literal || d.command+l.Size > d.Limits.Command {
		d.Fail(&Status{Type: BAD, Code: CodeTooBig, Text: "Literal too large"})
		return ""
	}
	d.command += l.Size
	b := make([]byte, l.Size)
	if _, err := io.ReadFull(d.OpenLiteral(l), b); err != nil {
		if d.fatal == nil {
			d.fatal = err
		}
		return ""
	}
	if d.Response {
		return string(b)
	}
	if !l.Binary && bytes.IndexByte(b, 0) >= 0 {
		d.fail("NUL in literal")
		return ""
	}
	return intern(b)
}

// quoted requires a quoted string.
func (d *Decoder) quoted() string {
	if d.Response {
		return d.keep(d.quotedText())
	}
	b := d.line[1:]
	i := bytes.IndexAny(b, `"\`)
	if i >= 0 && b[i] == '"' {
		return d.endQuoted(b[:i], b[i+1:])
	}
	var out []byte
	for i >= 0 {
		out = append(out, b[:i]...)
		if b[i] == '"' {
			return d.endQuoted(out, b[i+1:])
		}
		if i+1 >= len(b) || b[i+1] != '"' && b[i+1] != '\\' {
			d.fail("Bad escape in quoted string")
			return ""
		}
		out = append(out, b[i+1])
		b = b[i+2:]
		i = bytes.IndexAny(b, `"\`)
	}
	d.fail("Quoted string has no end")
	return ""
}

func (d *Decoder) endQuoted(s, rest []byte) string {
	if !d.validText(s) {
		return ""
	}
	out := intern(s)
	d.line = rest
	return out
}

// validText refuses 8-bit octets where the peer may not send them. RFC 3501 says quoted strings are 7-bit; that clients
// send raw 8-bit passwords and search terms there is common, so that valid UTF-8 is taken in every mode.
func (d *Decoder) validText(b []byte) bool {
	if !utf8.Valid(b) {
		d.fail("Quoted string is not UTF-8")
		return false
	}
	return true
}

// String requires a string: quoted or literal.
func (d *Decoder) String() string {
	switch {
	case d.Peek('"'):
		return d.quoted()
	case d.PeekLiteral():
		return d.literalString()
	}
	if d.err == nil {
		d.fail("String expected before " + describe(d.line))
	}
	return ""
}

// AString requires an astring: an atom, which may hold "]", or a string.
func (d *Decoder) AString() string {
	if !d.ok() {
		return ""
	}
	if n := d.span(classAString); n > 0 {
		return d.take(n)
	}
	return d.String()
}

// NString requires an nstring; ok is false for NIL.
func (d *Decoder) NString() (s string, ok bool) {
	if d.TryWord("NIL") {
		return "", false
	}
	s = d.String()
	return s, d.err == nil
}

// Mailbox requires a mailbox name and returns it in UTF-8: modified UTF-7 is decoded unless the session uses UTF-8, and
// INBOX in any case is "INBOX" (RFC 9051 section 5.1).
func (d *Decoder) Mailbox() string { return d.mailboxName(d.AString()) }

// ListMailbox requires a list-mailbox, a mailbox name that may hold the wildcards "%" and "*", in UTF-8.
func (d *Decoder) ListMailbox() string {
	if !d.ok() {
		return ""
	}
	if n := d.span(classList); n > 0 {
		return d.mailboxName(d.take(n))
	}
	return d.mailboxName(d.String())
}

func (d *Decoder) mailboxName(s string) string {
	if len(s) == 5 && strings.EqualFold(s, "INBOX") {
		return "INBOX"
	}
	if len(s) > 6 && s[5] == '/' && strings.EqualFold(s[:5], "INBOX") {
		s = "INBOX" + s[5:]
	}
	if strings.IndexByte(s, '&') < 0 || d.UTF8 {
		if !d.Response && !utf8.ValidString(s) {
			d.Fail(&Status{Type: NO, Code: CodeCannot, Text: "Mailbox name is not UTF-8"})
			return ""
		}
		return s
	}
	name, err := DecodeUTF7(s)
	if err != nil && d.Response {
		return s
	}
	if err != nil {
		d.Fail(&Status{Type: NO, Code: CodeCannot, Text: "Mailbox name is not modified UTF-7", Err: err})
	}
	return name
}
