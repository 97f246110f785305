package outward_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/outward"
)

func TestPublic(t *testing.T) {
	for _, a := range strings.Fields("127.0.0.1 127.1.2.3 10.0.0.1 172.16.9.9 192.168.1.1 169.254.169.254 100.64.0.1 100.127.255.255 0.0.0.0 0.1.2.3 224.0.0.1 255.255.255.255 240.1.1.1 192.0.0.8 198.18.0.1 " +
		":: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::7f00:1 fe80::1 fe80::1%eth0 fc00::1 fd12::1 ff02::1 fec0::1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1::1 2001::1 2001:db8::1") {
		require.False(t, outward.Public(netip.MustParseAddr(a)), a)
	}
	for _, a := range strings.Fields("8.8.8.8 ::ffff:8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450::1") {
		require.True(t, outward.Public(netip.MustParseAddr(a)), a)
	}
	own, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, o := range own {
		ip, ok := netip.AddrFromSlice(o.(*net.IPNet).IP)
		require.True(t, ok)
		require.False(t, outward.Public(ip), ip)
	}
}

// What a name leads to is looked at when the connection is made, in whatever way the address is written.
func TestClient(t *testing.T) {
	reached := false
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer web.Close()
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		_, err := outward.Client(time.Minute).Post("http://"+host+":"+port+"/", "text/plain", nil)
		require.Error(t, err, host)
	}
	require.False(t, reached)
}
