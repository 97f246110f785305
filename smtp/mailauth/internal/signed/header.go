// Package signed is what DKIM (RFC 6376) and ARC (RFC 8617) have in common: header fields as they were sent, canonical
// forms, tag lists, body hashes made in one pass, and public keys from the DNS.
package signed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// Field is a header field as it is in the message, with all its line ends.
type Field []byte

// Header is the fields of a message from the top down.
type Header []Field

// ErrHeaderTooLarge says that a header is longer than the limit.
var ErrHeaderTooLarge = errors.New("header is too large")

// Name returns the field's name as written, without what stands around it.
func (f Field) Name() string {
	name, _, _ := bytes.Cut(f, []byte(":"))
	return string(bytes.TrimRight(name, " \t"))
}

// Is reports whether the field has this name, in any case.
func (f Field) Is(name string) bool {
	if len(f) <= len(name) || !asciiEqual(f[:len(name)], name) {
		return false
	}
	rest := bytes.TrimLeft(f[len(name):], " \t")
	return len(rest) > 0 && rest[0] == ':'
}

func asciiEqual(b []byte, s string) bool {
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// Value returns what follows the colon, folded as it is.
func (f Field) Value() string {
	_, v, _ := bytes.Cut(f, []byte(":"))
	return string(v)
}

// Unfolded returns the value on one line, without the white space around it.
func (f Field) Unfolded() string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "", "\n", "").Replace(f.Value()))
}

// All returns the fields of a name from the top down.
func (h Header) All(name string) []Field {
	var out []Field
	for _, f := range h {
		if f.Is(name) {
			out = append(out, f)
		}
	}
	return out
}

// ReadHeader reads a header and the empty line after it. limit is in octets. A line that is no field (no colon) is kept as
// one: it has no name that could be asked for. A message may end in its header.
func ReadHeader(r *bufio.Reader, limit int) (Header, error) {
	h, _, err := ReadHeaderEnd(r, limit)
	return h, err
}

// ReadHeaderEnd is ReadHeader that returns the empty line too, nil where the message ends in its header.
func ReadHeaderEnd(r *bufio.Reader, limit int) (h Header, end []byte, err error) {
	var raw []byte
	for size := 0; ; {
		start := len(raw)
		for {
			part, err := r.ReadSlice('\n')
			if size += len(part); size > limit {
				return nil, nil, ErrHeaderTooLarge
			}
			raw = append(raw, part...)
			if err == bufio.ErrBufferFull {
				continue
			}
			if err == io.EOF {
				if len(raw) > start {
					h = h.line(raw[start:])
				}
				return h, nil, nil
			}
			if err != nil {
				return nil, nil, err
			}
			break
		}
		line := raw[start:]
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return h, line, nil
		}
		h = h.line(line)
	}
}

// line adds a line to the last field or as a new one. A continued field grows in a copy of its own, unless it is followed
// by just the octets that continue it.
func (h Header) line(line []byte) Header {
	if len(h) > 0 && (line[0] == ' ' || line[0] == '\t') {
		last := &h[len(h)-1]
		*last = append((*last)[:len(*last):cap(*last)], line...)
		return h
	}
	f := make(Field, len(line))
	copy(f, line)
	return append(h, f)
}
