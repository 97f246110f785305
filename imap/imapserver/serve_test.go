package imapserver

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A site with IPv6 has 2^64 addresses: they count as one.
func TestHostOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
	} {
		require.Equal(t, want, hostOf(&net.TCPAddr{IP: net.ParseIP(in), Port: 5}))
	}
	require.Equal(t, "/run/imap", hostOf(&net.UnixAddr{Name: "/run/imap", Net: "unix"}))
	require.Empty(t, hostOf(nil))
}
