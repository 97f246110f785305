package smtp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/wire"
)

// Whatever a server sends, the client stays within its limits, and what it makes of a reply can be written on a line.
func FuzzClientReply(f *testing.F) {
	for _, s := range []string{"250 Ok\r\n", "250-a\r\n250 b\r\n", "550 5.1.1 x\r\n", "550-5.1.1 x\r\n550 5.1.1 y\r\n", "220\n", "25\r\n", "250\tx\r\n",
		"250-\r\n", "354 \xff\x00\r\n", strings.Repeat("250-x\r\n", 300)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &Client{conn: deafConn{}, host: "h", r: wire.NewReader(bytes.NewReader(b), 0)}
		c.r.LineEnd = wire.LF
		for {
			if err := c.receive(0, "reading"); err != nil {
				require.NotNil(t, mail.ReplyOf(err))
				require.True(t, c.closed)
				return
			}
			r := c.reply.make()
			require.True(t, r.Code >= 200 && r.Code <= 599)
			require.LessOrEqual(t, len(r.Text), 3*(64<<10))
			for _, ch := range r.String() {
				require.True(t, ch >= ' ' && ch != 0x7f)
			}
			if r.Enhanced != (EnhancedCode{}) {
				require.Equal(t, r.Code/100, r.Enhanced[0])
			}
			parseCapabilities(string(c.reply.text))
		}
	})
}

// An address that is accepted is, between its angle brackets, one path for our own server's strictest parser or no path:
// never a path and something else.
func FuzzClientAddress(f *testing.F) {
	for _, s := range []string{"a@b.c", `"a b>\"c"@[IPv6:2001:db8::1]`, "a@b.c> SIZE=1", "Postmaster", "đào@bücher.example", "a..b@c_d.e", `"\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if checkAddress(s) != nil {
			return
		}
		require.NotContains(t, s, "\r")
		require.NotContains(t, s, "\n")
		quoted := false
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case !quoted:
				require.False(t, c <= ' ' || c == '<' || c == '>' || c == 0x7f, "%q", s)
			}
		}
		require.False(t, quoted, "%q", s)
		if a, ok := asciiAddress(s); ok {
			require.NoError(t, checkAddress(a), "%q became %q", s, a)
		}
	})
}

// crlfRun and the writer around it agree with a plain reading of the rule, wherever the message is cut into pieces.
func FuzzClientChunks(f *testing.F) {
	f.Add([]byte("a\r\nb\nc\rd\r\n\r"), 3)
	f.Add([]byte(strings.Repeat("x", 511)+"\r\n"+strings.Repeat("y", 600)+"\r"), 512)
	f.Fuzz(func(t *testing.T, message []byte, step int) {
		step = max(1, step&0xfff)
		var want []byte
		for i := 0; i < len(message); i++ {
			switch c := message[i]; {
			case c == '\r' && i+1 < len(message) && message[i+1] == '\n':
				want = append(want, "\r\n"...)
				i++
			case c == '\r' && i+1 == len(message), c == '\n':
				want = append(want, "\r\n"...)
			case c == '\r':
				want = append(want, ' ')
			default:
				want = append(want, c)
			}
		}
		if n := len(want); n > 0 && want[n-1] != '\n' {
			want = append(want, "\r\n"...)
		}
		c := &Client{}
		c.opts.Limits.ChunkSize = 1 << 30
		w := &c.bdat
		w.reset(c, false)
		for p := message; len(p) > 0; {
			n := min(step, len(p))
			_, err := w.Write(p[:n])
			require.NoError(t, err)
			p = p[n:]
		}
		w.close()
		require.Equal(t, string(want), string(w.buf))
	})
}
