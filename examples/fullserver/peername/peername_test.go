package peername_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/peername"
)

// zone is a DNS double.
type zone struct {
	ptr map[string]string
	a   map[string]string
}

func (z zone) LookupAddr(_ context.Context, addr string) ([]string, error) {
	if n, ok := z.ptr[addr]; ok {
		return []string{n}, nil
	}
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := z.a[host]; ok {
		return []netip.Addr{netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr(a)}, nil
	}
	return nil, errors.New("no answer")
}

var names = zone{
	ptr: map[string]string{"192.0.2.1": "mail.example.org.", "192.0.2.2": "google.com.", "192.0.2.3": "gone.example.",
		"192.0.2.4": "x]\n250.example.", "192.0.2.5": "192.0.2.5.", "2001:db8::1": "six.example.org."},
	a: map[string]string{"mail.example.org": "192.0.2.1", "google.com": "198.51.100.1", "192.0.2.5": "192.0.2.5",
		"x]\n250.example": "192.0.2.4", "six.example.org": "2001:db8::1"},
}

func TestName(t *testing.T) {
	l := &peername.Lookup{Resolver: names}
	for ip, want := range map[string]string{
		"127.0.0.1": "localhost", "::1": "localhost", "192.0.2.1": "mail.example.org", "2001:db8::1": "six.example.org", "::ffff:192.0.2.1": "mail.example.org",
		"192.0.2.2": "", // the name is somebody else's
		"192.0.2.3": "", // the name leads nowhere
		"192.0.2.4": "", // not a name
		"192.0.2.5": "", // an address
		"192.0.2.9": "", // no name
	} {
		require.Equal(t, want, l.Name(t.Context(), &net.TCPAddr{IP: net.ParseIP(ip), Port: 25}), ip)
	}
	require.Empty(t, l.Name(t.Context(), &net.UnixAddr{Name: "/run/x", Net: "unix"}))
}

// slow is a name server that never answers.
type slow struct{ zone }

func (slow) LookupAddr(ctx context.Context, _ string) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSlowNameServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.Empty(t, (&peername.Lookup{Resolver: slow{}}).Name(t.Context(), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}))
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}

func ExampleLookup() {
	l := &peername.Lookup{Resolver: names}
	fmt.Println(l.Name(context.Background(), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}))
	fmt.Println(l.Name(context.Background(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	// Output:
	// mail.example.org
	// localhost
}
