package mailauthtest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

func ExampleParse() {
	z, err := mailauthtest.Parse(`
		# a comment
		example.com     TXT  v=spf1 mx -all
		example.com     MX   10 mx.example.com
		mx.example.com  A    192.0.2.1
		192.0.2.1       PTR  mx.example.com`)
	if err != nil {
		fmt.Println(err)
		return
	}
	txt, _ := z.LookupTXT(context.Background(), "EXAMPLE.com.")
	fmt.Println(txt, z.Queries())
	// Output: [v=spf1 mx -all] [TXT example.com]
}

func TestZone(t *testing.T) {
	z := mailauthtest.MustParse("a.test A 192.0.2.1\na.test AAAA 2001:db8::1\nb.test NONE\ndown.test FAIL\nx.y.test TXT  two  words ")
	ctx := t.Context()
	for network, n := range map[string]int{"ip": 2, "ip4": 1, "ip6": 1} {
		list, err := z.LookupNetIP(ctx, network, "A.test.")
		require.NoError(t, err)
		require.Len(t, list, n)
	}
	txt, err := z.LookupTXT(ctx, "x.y.test")
	require.NoError(t, err)
	require.Equal(t, []string{"two  words"}, txt)
	notFound := func(err error) bool {
		var d *net.DNSError
		return errors.As(err, &d) && d.IsNotFound
	}
	_, err = z.LookupMX(ctx, "b.test")
	require.True(t, notFound(err))
	_, err = z.LookupAddr(ctx, "192.0.2.9")
	require.True(t, notFound(err))
	_, err = z.LookupNetIP(ctx, "ip", "down.test")
	require.Error(t, err)
	require.False(t, notFound(err))
	for name, want := range map[string]bool{"a.test": true, "b.test": true, "y.test": true, "z.test": false} {
		got, err := z.Exists(ctx, name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	_, err = z.Exists(ctx, "down.test")
	require.Error(t, err)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err = z.LookupTXT(gone, "x.y.test")
	require.False(t, notFound(err))
	require.Error(t, err)
	for _, bad := range []string{"a.test", "a.test A x", "a.test MX x", "a.test SRV x"} {
		_, err := mailauthtest.Parse(bad)
		require.Error(t, err, bad)
	}
	require.Panics(t, func() { mailauthtest.MustParse("x") })
}
