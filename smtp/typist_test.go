package smtp_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// typist types into a program and reads what it shows.
type typist struct {
	t   *testing.T
	in  io.Writer
	out io.Reader
}

// say types a line and waits for text.
func (p *typist) say(line, want string) {
	p.t.Helper()
	_, err := io.WriteString(p.in, line+"\n")
	require.NoError(p.t, err)
	seen := ""
	b := make([]byte, 1000)
	for !strings.Contains(seen, want) {
		n, err := p.out.Read(b)
		seen += string(b[:n])
		require.NoError(p.t, err, seen)
	}
}
