// Package idle measures, for tests, what idle connections cost a server: in a process of its own, as the kernel counts it. Nothing
// makes the server collect garbage for the occasion, so that the figure is what an operator sees.
package idle

import (
	"net"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/proctree"
)

// lack skips a test for want of something, but not where everything must be there.
func lack(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Cost opens n connections to the server, each made idle by connect, and returns by how many octets each has made the process grow. They
// stay open until the test ends.
func (s *Server) Cost(t *testing.T, n int, connect func(addr string) (net.Conn, error)) (octets int) {
	t.Helper()
	if race {
		t.Skip("the race detector's own memory would be measured")
	}
	openFiles(t, n)
	s.occupy(t, 50, connect)() // a few first: what a first connection costs once isn't counted
	before := s.memory(t)
	t.Cleanup(s.occupy(t, n, connect))
	after := s.memory(t)
	octets = (after - before) / n
	t.Logf("%d idle connections: %d KiB before, %d KiB after, %.1f KiB each", n, before>>10, after>>10, float64(octets)/1024)
	return octets
}

// occupy opens n connections, which stay until release is called.
func (s *Server) occupy(t *testing.T, n int, connect func(addr string) (net.Conn, error)) (release func()) {
	t.Helper()
	conns := make([]net.Conn, n)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				c, err := connect(s.Addr)
				if conns[i] = c; err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	release = func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}
	if t.Failed() {
		release()
		t.FailNow()
	}
	return release
}

// memory returns the octets of the process's memory that are its own (its proportional set size).
func (s *Server) memory(t *testing.T) int {
	t.Helper()
	m, err := proctree.Smaps(s.PID)
	if err != nil {
		lack(t, "there is no /proc to measure by")
	}
	require.Contains(t, m, "Pss")
	return int(m["Pss"])
}
