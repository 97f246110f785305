package proxyproto_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/proxyproto"
)

func FuzzProxy(f *testing.F) {
	f.Add([]byte("PROXY TCP4 203.0.113.5 198.51.100.1 4386 25\r\nEHLO"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x19EHLO"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		h, err := proxyproto.Read(r)
		if err != nil {
			return
		}
		require.Equal(t, h.Source.IsValid(), h.Dest.IsValid())
		// Not one byte more than the header is read: TLS may follow.
		used := len(b) - r.Len()
		again, err := proxyproto.Read(io.MultiReader(bytes.NewReader(b[:used]), failing{}))
		require.NoError(t, err)
		require.Equal(t, h, again)
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
