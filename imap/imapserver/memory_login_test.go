package imapserver_test

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/idle"
)

// TestMemoryBeforeLogin: a stranger who doesn't log in costs at most 64 KiB, whatever he sends and however long he waits then. Each
// connection stops in the middle of the largest thing of its kind that the limits let it send.
func TestMemoryBeforeLogin(t *testing.T) {
	const limit = 64 << 10
	long := strings.Repeat("x", 12<<10-100)
	literal := " {4096+}\r\n" + strings.Repeat("y", 4096)
	kinds := map[string]string{
		"line":           "a LOGIN " + long,
		"quoted":         `a LOGIN "` + long,
		"literal":        "a LOGIN {4096+}\r\n" + strings.Repeat("y", 4095),
		"literals":       "a LOGIN" + literal + literal + literal,
		"list":           "a ID (" + strings.Repeat(`"k" "v" `, 1500),
		"list, literals": "a ID (x" + literal + " z" + literal + " " + strings.Repeat("q ", 3000),
		"parentheses":    "a ID " + strings.Repeat("(", 12<<10-100),
		"SASL":           "a AUTHENTICATE PLAIN\r\n" + long,
		"dropped":        "a LOGIN {65000+}\r\n" + strings.Repeat("y", 64_000),
		"overlong":       "a LOGIN " + strings.Repeat("x", 200_000),
		"pipelined":      strings.Repeat("a NOOP\r\n", 1500) + "a LOGIN " + long,
		"languages":      "a LANGUAGE " + strings.Repeat("en ", 4000),
	}
	kinds["TLS"] = kinds["list, literals"]
	for name, octets := range kinds {
		t.Run(name, func(t *testing.T) {
			// A server each, so that none uses what another has left.
			cost := idle.Start(t, t.TempDir()).Cost(t, 200, func(addr string) (net.Conn, error) { return stuff(addr, octets, name == "TLS") })
			require.LessOrEqual(t, cost, limit)
		})
	}
}

// stuff makes a connection that has sent octets, and reads what it is answered until the server waits for more.
func stuff(addr, octets string, startTLS bool) (net.Conn, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	_ = raw.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := raw.Read(buf); err != nil { // the greeting
		return raw, err
	}
	nc := raw
	if startTLS {
		if _, err := raw.Write([]byte("s STARTTLS\r\n")); err != nil {
			return raw, err
		}
		if _, err := raw.Read(buf); err != nil {
			return raw, err
		}
		nc = tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	}
	// What is answered meanwhile has to be read, or the server waits for that.
	sent := make(chan error, 1)
	go func() {
		_, err := nc.Write([]byte(octets))
		sent <- err
	}()
	for want := strings.Count(octets, "NOOP\r\n"); want > 0; {
		n, err := nc.Read(buf)
		if err != nil {
			return raw, err
		}
		want -= strings.Count(string(buf[:n]), "\n")
	}
	return raw, <-sent
}
