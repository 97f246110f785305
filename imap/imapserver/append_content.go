package imapserver

import (
	"bytes"
	"errors"
	"io"

	"github.com/buuta/mail/imap"
)

var (
	errNUL  = imap.No(imap.CodeCannot, "Message holds NUL, which needs a binary literal.")
	err8Bit = imap.No(imap.CodeCannot, "Header holds 8-bit characters, which needs UTF8=ACCEPT.")
)

// contentReader passes a message on to the store and refuses what the store must not get.
type contentReader struct {
	r        io.Reader
	binary   bool // NUL is allowed
	sevenBit bool // the header must be 7-bit

	inLine bool // of the header
	err    error
}

func (r *contentReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.r.Read(p)
	switch {
	case !r.binary && bytes.IndexByte(p[:n], 0) >= 0:
		err = errNUL
	case r.sevenBit && r.headerIs8Bit(p[:n]):
		err = err8Bit
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// result returns what went wrong with the message rather than what the store says of it.
func (r *contentReader) result(err error) error {
	if err == nil || r.err != nil {
		return r.err
	}
	return err
}

// headerIs8Bit looks at the next octets as long as they belong to the header.
func (r *contentReader) headerIs8Bit(b []byte) bool {
	for _, c := range b {
		switch {
		case c >= 0x80:
			return true
		case c == '\n' && !r.inLine:
			r.sevenBit = false // the empty line
			return false
		case c == '\n':
			r.inLine = false
		case c != '\r':
			r.inLine = true
		}
	}
	return false
}
