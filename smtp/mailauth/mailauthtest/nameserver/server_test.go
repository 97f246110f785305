package nameserver_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What a zone says is what net.Resolver gets to know through the server.
func TestServer(t *testing.T) {
	long := strings.Repeat(`a "long" \text `, 100)
	zone := mailauthtest.MustParse("example.com TXT " + long + `
		example.com MX 10 mx.example.com
		mx.example.com A 192.0.2.1
		mx.example.com AAAA 2001:db8::1
		192.0.2.1 PTR mx.example.com
		2001:db8::1 PTR six.example.com
		a@b"c.example.com MX 1 odd.example.com
		down.example.com FAIL`)
	s, err := nameserver.Start(zone)
	require.NoError(t, err)
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Addr)
	}}
	ctx := t.Context()
	txt, err := r.LookupTXT(ctx, "example.com.")
	require.NoError(t, err)
	require.Equal(t, []string{strings.TrimSpace(long)}, txt)
	mx, err := r.LookupMX(ctx, "example.com.")
	require.NoError(t, err)
	require.Equal(t, "mx.example.com.", mx[0].Host)
	ips, err := r.LookupNetIP(ctx, "ip", "mx.example.com.")
	require.NoError(t, err)
	require.ElementsMatch(t, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, ips)
	for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
		names, err := r.LookupAddr(ctx, a)
		require.NoError(t, err)
		require.Len(t, names, 1)
	}
	q := new(dns.Msg).SetQuestion(`a\@b\034c.example.com.`, dns.TypeMX) // net.Resolver doesn't ask for such names
	answer, err := dns.Exchange(q, s.Addr)
	require.NoError(t, err)
	require.Len(t, answer.Answer, 1)
	var d *net.DNSError
	_, err = r.LookupTXT(ctx, "nothing.example.com.")
	require.ErrorAs(t, err, &d)
	require.True(t, d.IsNotFound)
	_, err = r.LookupTXT(ctx, "mx.example.com.")
	require.ErrorAs(t, err, &d)
	require.True(t, d.IsNotFound)
	_, err = r.LookupTXT(ctx, "down.example.com.")
	require.ErrorAs(t, err, &d)
	require.False(t, d.IsNotFound)
	s.SetZone(mailauthtest.MustParse("example.com TXT other"))
	txt, err = r.LookupTXT(ctx, "example.com.")
	require.NoError(t, err)
	require.Equal(t, []string{"other"}, txt)
	require.NoError(t, s.Close())
}
