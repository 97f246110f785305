package signed

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// RFC 6376 section 5.3: the signer works on the message "as it will be received by the verifier"; RFC 5321 section 2.3.8: lines
// end in CRLF.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		in string
		ok bool
	}{
		{"", true}, {"a", true}, {"a\r\n", true}, {"\r\n\r\n", true}, {"a\rb\r\n", true}, {"a\r\r\n", true},
		{"\n", false}, {"a\n", false}, {"a\r\nb\nc\r\n", false}, {"\r\n\n", false},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.HalfReader(strings.NewReader(c.in))} {
			b, err := io.ReadAll(Lines(r))
			if !c.ok {
				require.ErrorIs(t, err, ErrLineEnd, "%q", c.in)
				continue
			}
			require.NoError(t, err, "%q", c.in)
			require.Equal(t, c.in, string(b))
		}
	}
}
