// Package unpack shows a compressed file as the message that it holds: any part of it, with CRLF line ends, decoded once and no
// further than somebody has asked for.
package unpack

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/buuta/mail/internal/source"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/internal/lineend"
)

// ErrTooLong says that a file would give more octets than it may.
var ErrTooLong = errors.New("maildir: a compressed message gives more than it may")

// Damaged is the error of a file that can be decoded up to some octet only.
type Damaged struct {
	Codec string
	Err   error
}

func (e *Damaged) Error() string { return fmt.Sprintf("maildir: damaged %s: %v", e.Codec, e.Err) }

func (e *Damaged) Unwrap() error { return e.Err }

// stream decodes, makes CRLF of bare LF, and tells errors of the file's content from those of reading it.
type stream struct {
	codec *compress.Codec
	src   source.Reader
	z     io.ReadCloser
	most  int64 // octets as they were compressed
	raw   int64 // of these, those that were decoded
	lf    int64 // line ends that a CR was put before
	cr    bool  // the last octet decoded was a CR
	err   error // why there is no more
}

func (s *stream) start(codec *compress.Codec, r io.Reader, most int64) {
	s.codec, s.src.R, s.most = codec, r, most
	if s.z, s.err = codec.NewReader(&s.src); s.err != nil {
		s.z = nil
		s.fail(s.err)
	}
}

// fail notes why there is no more.
func (s *stream) fail(err error) {
	switch {
	case s.src.Err != nil:
		s.err = s.src.Err
	case err == io.EOF && s.z != nil:
		s.err = io.EOF
	default:
		s.err = &Damaged{s.codec.Name, err}
	}
}

// next decodes up to len(buf) octets and returns them behind dst as they are to be shown. After an error there is nothing more; io.EOF is the
// end of a file that is whole.
func (s *stream) next(dst, buf []byte) []byte {
	if s.err != nil {
		return dst
	}
	n, err := io.ReadAtLeast(s.z, buf, 1)
	if s.raw += int64(n); s.raw > s.most {
		s.err = ErrTooLong
		return dst
	}
	if n > 0 {
		was := len(dst)
		dst = lineend.AppendCRLF(dst, buf[:n], s.cr)
		s.lf += int64(len(dst) - was - n)
		s.cr = buf[n-1] == '\r'
	}
	if err != nil {
		s.fail(err)
	}
	return dst
}

func (s *stream) close() {
	if s.z != nil {
		s.z.Close()
		s.z = nil
	}
}

// Sizes decodes a file and returns how many octets it was compressed from, and how many of its line ends lack a CR. Of a damaged one these are
// of what can be decoded, beside a *Damaged. More than most octets are ErrTooLong.
func Sizes(codec *compress.Codec, r io.Reader, most int64) (physical, lf int64, err error) {
	var s stream
	s.start(codec, r, most)
	defer s.close()
	buf, out := make([]byte, 32<<10), make([]byte, 0, 36<<10)
	for s.err == nil {
		s.next(out, buf)
	}
	if s.err == io.EOF {
		return s.raw, s.lf, nil
	}
	return s.raw, s.lf, s.err
}

// Into decodes a file that is small into buf, behind which it appends. It returns nil when that gives more than size octets, less, or an error.
func Into(buf []byte, codec *compress.Codec, file []byte, size int64) []byte {
	var s stream
	s.start(codec, bytes.NewReader(file), size)
	defer s.close()
	var piece [4 << 10]byte
	for s.err == nil {
		if buf = s.next(buf, piece[:]); int64(len(buf)) > size {
			return nil
		}
	}
	if s.err != io.EOF || int64(len(buf)) != size {
		return nil
	}
	return buf
}
