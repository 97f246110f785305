package outward_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/outward"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
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

// A name that leads elsewhere at the second look, and all the ways of writing an address that must not be reached.
func TestRebinding(t *testing.T) {
	before, after := mailauthtest.MustParse("a.example.com A 8.8.8.8"), mailauthtest.MustParse(`
		a.example.com A 127.0.0.1
		127.0.0.1.nip.example.com A 127.0.0.1
		six.example.com AAAA ::1
		mapped.example.com AAAA ::ffff:10.0.0.1
		nat64.example.com AAAA 64:ff9b::7f00:1
		shared.example.com A 100.64.0.1
		meta.example.com A 169.254.169.254`)
	names, err := nameserver.Start(before)
	require.NoError(t, err)
	defer names.Close()
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, names.Addr)
	}}
	d := outward.Dialer{Within: time.Minute, Ports: []uint16{80, 443}, Resolver: r}
	first, err := r.LookupHost(t.Context(), "a.example.com.")
	require.NoError(t, err)
	require.Equal(t, []string{"8.8.8.8"}, first, "who looks before connecting sees a public address")
	names.SetZone(after)
	for _, host := range strings.Fields("a.example.com. 127.0.0.1.nip.example.com. six.example.com. mapped.example.com. nat64.example.com. shared.example.com. meta.example.com. " +
		"127.0.0.1 [::1] [::ffff:127.0.0.1] [fe80::1] [fd00::1] [64:ff9b::7f00:1] 10.0.0.1 100.64.0.1 169.254.169.254 0.0.0.0 [::]") {
		_, err := d.DialContext(t.Context(), "tcp", host+":80")
		require.ErrorIs(t, err, outward.ErrPrivate, host)
	}
	for _, host := range strings.Fields("2130706433 0x7f000001 0177.0.0.1 127.1") { // only other resolvers know these for addresses
		_, err := d.DialContext(t.Context(), "tcp", host+":80")
		require.Error(t, err, host)
	}
	_, err = d.DialContext(t.Context(), "tcp", "8.8.8.8:25")
	require.ErrorIs(t, err, outward.ErrPort)
}
