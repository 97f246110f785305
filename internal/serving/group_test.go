package serving_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/serving"
)

type conn struct{ told bool }

func tcp(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 5} }

// A site with IPv6 has 2^64 addresses: they count as one.
func TestAddrKey(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64", "127.0.0.1": "", "::1": ""} {
		require.Equal(t, want, serving.AddrKey(tcp(in)), in)
	}
	require.Empty(t, serving.AddrKey(&net.UnixAddr{Name: "/run/imap", Net: "unix"}))
	require.Empty(t, serving.AddrKey(nil))
}

func TestFromThisMachine(t *testing.T) {
	unix := &net.UnixAddr{Net: "unix"}
	require.True(t, serving.FromThisMachine(unix, unix))
	require.True(t, serving.FromThisMachine(tcp("127.0.0.2"), tcp("127.0.0.1")))
	require.True(t, serving.FromThisMachine(tcp("192.0.2.7"), tcp("192.0.2.7")))
	require.False(t, serving.FromThisMachine(tcp("192.0.2.8"), tcp("192.0.2.7")))
	require.False(t, serving.FromThisMachine(nil, nil))
}

func TestCount(t *testing.T) {
	var g serving.Group[*conn]
	all := make([]*conn, 4)
	for i := range all {
		all[i] = new(conn)
		require.True(t, g.Add(all[i]))
	}
	require.True(t, g.Count(all[0], tcp("192.0.2.1"), 0, 2))
	require.True(t, g.Count(all[1], tcp("192.0.2.1"), 0, 2))
	require.False(t, g.Count(all[2], tcp("192.0.2.1"), 0, 2))
	require.True(t, g.Count(all[2], tcp("192.0.2.2"), 0, 2))
	require.False(t, g.Count(all[3], tcp("127.0.0.1"), 3, 2), "four are one more than three")
	require.True(t, g.Count(all[3], tcp("127.0.0.1"), 4, 0))
	g.Remove(all[2]) // was refused once and taken once
	g.Remove(all[0])
	require.True(t, g.Count(all[1], tcp("192.0.2.9"), 0, 1), "a proxy says who it really is")
	require.True(t, g.Count(all[3], tcp("192.0.2.1"), 0, 1), "and counts there no more")
	require.False(t, g.Count(all[3], tcp("192.0.2.9"), 0, 1))
	require.True(t, g.Add(all[0]))
	require.True(t, g.Count(all[0], tcp("192.0.2.1"), 0, 2), "its place is free again")
}

func TestShutdownWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g serving.Group[*conn]
		a, b := new(conn), new(conn)
		require.True(t, g.Add(a))
		require.True(t, g.Add(b))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, g.Shutdown(ctx, func(c *conn) { c.told = true }), context.DeadlineExceeded)
		require.True(t, a.told && b.told)
		require.False(t, g.Add(new(conn)))

		done := make(chan error)
		go func() { done <- g.Shutdown(context.Background(), func(*conn) {}) }()
		g.Remove(a)
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("one is still there")
		default:
		}
		g.Remove(b)
		require.NoError(t, <-done)
		require.NoError(t, g.Shutdown(context.Background(), func(*conn) { t.Fatal("nobody is there") }))
	})
}

// troubled is a listener that fails as one that has run out of descriptors, then gives one connection, then is closed or broken.
type troubled struct {
	net.Listener
	fails  int
	given  bool
	closed chan struct{}
	err    error
}

func (l *troubled) Accept() (net.Conn, error) {
	if l.fails > 0 {
		l.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	if !l.given {
		l.given = true
		a, _ := net.Pipe()
		return a, nil
	}
	if l.err != nil {
		return nil, l.err
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *troubled) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g serving.Group[*conn]
		l := &troubled{fails: 3, closed: make(chan struct{})}
		got, ended := make(chan net.Conn), make(chan error)
		start := time.Now()
		go func() { ended <- g.Serve(t.Context(), l, nil, func(c net.Conn) { got <- c }) }()
		require.NotNil(t, <-got)
		require.Equal(t, 35*time.Millisecond, time.Since(start), "5, 10 and 20 ms")
		g.Close(func(*conn) {})
		require.NoError(t, <-ended)
		require.NoError(t, g.Serve(t.Context(), &troubled{closed: make(chan struct{})}, nil, nil), "closed before it began")
	})
	broken := errors.New("broken")
	var g serving.Group[*conn]
	err := g.Serve(t.Context(), &troubled{given: true, err: broken, closed: make(chan struct{})}, nil, nil)
	require.ErrorIs(t, err, broken)
}
