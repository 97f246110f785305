package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/buuta/mail/maildir/compress"
)

// maxDecoded is how many octets a compressed message may give where Maildir.Decoded says nothing.
const maxDecoded = 1 << 30

var errDecoded = errors.New("gives more than a compressed message may")

// openMessage opens a message's file. One that is compressed is read as what it was before, by its first octets alone, as Dovecot does; one that only
// seems to be, of which nothing can be decoded, as it is.
func (m *Maildir) openMessage(name string) (r io.Reader, date time.Time, err error) {
	f, date, err := openFile(m.fsys, name)
	if err != nil {
		return nil, date, err
	}
	m.open = append(m.open, f)
	head := make([]byte, compress.MaxMagic)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, date, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), f)
	if m.codecs == nil {
		m.codecs = compress.Readers(m.Codecs...)
	}
	c := compress.Find(m.codecs, head[:n])
	if c == nil {
		return whole, date, nil
	}
	if c.NewReader == nil {
		return nil, date, fmt.Errorf("is compressed with %s, which no Codec reads", c.Name)
	}
	if z, err := c.NewReader(whole); err == nil {
		m.open = append(m.open, z)
		first := make([]byte, 1)
		if n, err := io.ReadFull(z, first); n > 0 || err == io.EOF {
			most := m.Decoded
			if most <= 0 {
				most = maxDecoded
			}
			return &bounded{io.MultiReader(bytes.NewReader(first[:n]), z), most}, date, nil
		}
	}
	if f, err = m.fsys.Open(name); err != nil {
		return nil, date, err
	}
	m.open = append(m.open, f)
	return f, date, nil
}

// bounded ends with an error where r gives more than it may.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errDecoded
	}
	return n, err
}
