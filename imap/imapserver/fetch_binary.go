package imapserver

import (
	"bytes"
	"io"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// binary writes BINARY[…] and BINARY.SIZE[…]: a part with its transfer encoding undone (RFC 9051 section 6.4.5, RFC 3516).
// The decoded size must be known before the first octet, so that an encoded part is decoded twice rather than held.
func (f *fetch) binary(item *imap.FetchItem, label string) error {
	e := f.c.enc
	span, ok := f.locate(item)
	if !ok {
		if item.Att == imap.FetchBinarySize {
			e.Raw(label).Raw(" 0")
		} else {
			e.Raw(label).Raw(" NIL")
		}
		return nil
	}
	encoding := f.partEncoding(item)
	open := func() io.Reader {
		return mime.DecodeTransfer(encoding, io.NewSectionReader(f.body, span.Offset, span.Size))
	}
	if item.Att == imap.FetchBinarySize {
		n, err := io.Copy(io.Discard, open())
		e.Raw(label).SP().Number(uint64(n))
		return err
	}
	// The part that is asked for, measured and searched for NUL, which only a literal8 may hold.
	r := open()
	if p := item.Partial; p != nil {
		if _, err := io.CopyN(io.Discard, r, int64(p.Offset)); err != nil && err != io.EOF {
			return err
		}
		r = io.LimitReader(r, int64(p.Size))
	}
	var seen nulFinder
	n, err := io.Copy(&seen, r)
	if err != nil {
		return err
	}
	r = open()
	if p := item.Partial; p != nil {
		_, _ = io.CopyN(io.Discard, r, int64(p.Offset)) // the same as above
	}
	e.Raw(label).SP().Literal(n, r, seen.found)
	f.count(n)
	return e.Err()
}

// partEncoding returns the transfer encoding of a leaf, "" for what isn't encoded as a whole.
func (f *fetch) partEncoding(item *imap.FetchItem) string {
	if len(item.Section.Part) == 0 {
		return ""
	}
	p := f.index.Part(partNumber(item)...)
	if p == nil || p.IsMultipart() || p.Message != nil {
		return ""
	}
	return p.Encoding
}

// unknownEncoding reports whether the item asks for a part whose encoding can't be undone (RFC 3516 section 4.3).
func (f *fetch) unknownEncoding(item *imap.FetchItem) bool {
	return (item.Att == imap.FetchBinary || item.Att == imap.FetchBinarySize) && !mime.KnownTransfer(f.partEncoding(item))
}

// nulFinder takes what is written to it and notes whether there was a NUL.
type nulFinder struct{ found bool }

func (n *nulFinder) Write(p []byte) (int, error) {
	n.found = n.found || bytes.IndexByte(p, 0) >= 0
	return len(p), nil
}
