package dnssec_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
	"github.com/buuta/mail/smtp/mx/dnssec"
)

var (
	_ mailauth.Resolver       = (*dnssec.Resolver)(nil)
	_ dmarc.ExistenceResolver = (*dnssec.Resolver)(nil)
)

// What a zone says is what a Resolver gets to know, whatever octets are in names and texts.
func TestNames(t *testing.T) {
	text := `say "hi" \ and \065 ` + "\x01\xff" + strings.Repeat(`"\`, 200) + "end"
	server, err := nameserver.Start(mailauthtest.MustParse("example.net TXT " + text + `
		joe+x=y@"q\.example.net A 192.0.2.7
		above.below.example.net A 192.0.2.7
		192.0.2.1 PTR mx.example.net
		2001:db8::1 PTR six.example.net
		down.example.net FAIL`))
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	r := &dnssec.Resolver{Servers: []string{server.Addr}, Timeout: 2 * time.Second}
	ctx := t.Context()
	txt, err := r.LookupTXT(ctx, "example.net.")
	require.NoError(t, err)
	require.Equal(t, []string{text}, txt)
	a, err := r.LookupNetIP(ctx, "ip4", `joe+x=y@"q\.example.net.`)
	require.NoError(t, err)
	require.Len(t, a, 1)
	for addr, want := range map[string]string{"192.0.2.1": "mx.example.net.", "2001:db8::1": "six.example.net."} {
		names, err := r.LookupAddr(ctx, addr)
		require.NoError(t, err)
		require.Equal(t, []string{want}, names)
	}
	var d *net.DNSError
	for _, addr := range []string{"192.0.2.9", "no address"} {
		_, err = r.LookupAddr(ctx, addr)
		require.True(t, errors.As(err, &d) && d.IsNotFound, addr)
	}
	for name, want := range map[string]bool{"example.net.": true, "below.example.net.": true, "nothing.example.net.": false} {
		got, err := r.Exists(ctx, name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	_, err = r.Exists(ctx, "down.example.net.")
	require.Error(t, err)
}
