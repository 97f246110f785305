package lookup_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/postmap"
)

// serveTable answers requests on loopback, as read takes them off a connection.
func serveTable(t *testing.T, read func(*bufio.Reader) (string, error), answer func(request string) string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					request, err := read(r)
					if err != nil {
						return
					}
					if _, err := io.WriteString(c, answer(request)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestServersAgainstPostmap: with the same server behind them, tcp: and socketmap: say what postmap says: found, not found, or that nobody knows.
func TestServersAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	values := map[string]string{"plain": "b@example.com", "spaces": "two  words here", "utf8": "é ü", "long": strings.Repeat("v", 2000), "a b": "key with a blank", "per%cent": "x%y", "UPPER": "Case", "upper": "lower", "plus+ext@x.example": "y", "@x.example": "all"}
	keys := []string{"plain", "spaces", "utf8", "long", "a b", "per%cent", "UPPER", "upper", "plus+ext@x.example", "@x.example", "none", "temp", "perm", "what", "é"}

	tcp := serveTable(t, func(r *bufio.Reader) (string, error) { return r.ReadString('\n') }, func(q string) string {
		key, ok := strings.CutPrefix(strings.TrimSuffix(q, "\n"), "get ")
		var plain strings.Builder
		for i := 0; i < len(key); i++ {
			var c byte
			if key[i] == '%' && i+2 < len(key) {
				fmt.Sscanf(key[i+1:i+3], "%02x", &c)
				i += 2
			} else {
				c = key[i]
			}
			plain.WriteByte(c)
		}
		v, found := values[plain.String()]
		switch {
		case !ok || plain.String() == "perm":
			return "400 no\n"
		case plain.String() == "temp":
			return "400 later\n"
		case plain.String() == "what":
			return "600 what\n"
		case !found:
			return "500 none\n"
		}
		var b strings.Builder
		for i := range len(v) {
			if v[i] <= ' ' || v[i] == '%' || v[i] >= 0x7f {
				fmt.Fprintf(&b, "%%%02X", v[i])
			} else {
				b.WriteByte(v[i])
			}
		}
		return "200 " + b.String() + "\n"
	})
	sockets := serveTable(t, func(r *bufio.Reader) (string, error) {
		var n int
		if _, err := fmt.Fscanf(r, "%d:", &n); err != nil {
			return "", err
		}
		b := make([]byte, n+1)
		_, err := io.ReadFull(r, b)
		return string(b[:n]), err
	}, func(q string) string {
		_, key, _ := strings.Cut(q, " ")
		reply := "NOTFOUND "
		if v, ok := values[key]; ok {
			reply = "OK " + v
		}
		if other, ok := map[string]string{"temp": "TEMP later", "perm": "PERM never", "what": "WHAT"}[key]; ok {
			reply = other
		}
		return fmt.Sprintf("%d:%s,", len(reply), reply)
	})
	for _, spec := range []string{"tcp:" + tcp, "socketmap:inet:" + sockets + ":name"} {
		answered := 0
		for _, key := range keys {
			theirs, has, failed := p.Query(t, spec, key)
			value, found, err := lookup.Query(context.Background(), spec, key, nil)
			require.Equal(t, failed, err != nil, "%s %q: %v", spec, key, err)
			require.Equal(t, has, found, "%s %q", spec, key)
			if require.Equal(t, theirs, value, "%s %q", spec, key); has {
				answered++
			}
		}
		require.Equal(t, 10, answered)
	}
}
