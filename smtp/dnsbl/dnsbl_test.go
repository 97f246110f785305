package dnsbl_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/dnsbl"
)

// answers is a name server: names and addresses.
type answers map[string]string

func (z answers) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	switch a := z[strings.TrimSuffix(host, ".")]; {
	case network != "ip4":
		return nil, errors.New("lists have A records")
	case a == "":
		return nil, &net.DNSError{IsNotFound: true, Name: host}
	case a == "fail":
		return nil, &net.DNSError{IsTemporary: true, Name: host}
	default:
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
}

// RFC 5782 section 2.1: "the IP address 192.0.2.99 … 99.2.0.192.bad.example.com"; section 2.4: "2001:db8:1:2:3:4:567:89ab …".
func TestReverse(t *testing.T) {
	require.Equal(t, "99.2.0.192", dnsbl.Reverse(netip.MustParseAddr("192.0.2.99")))
	require.Equal(t, "99.2.0.192", dnsbl.Reverse(netip.MustParseAddr("::ffff:192.0.2.99")))
	require.Equal(t, "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2", dnsbl.Reverse(netip.MustParseAddr("2001:db8:1:2:3:4:567:89ab")))
}

func TestZones(t *testing.T) {
	z, err := dnsbl.ParseZone("List.Example.=127.0.[0;2].[2..4;9]*-3")
	require.NoError(t, err)
	require.Equal(t, "list.example", z.Name)
	require.Equal(t, -3, z.Weight)
	for a, want := range map[string]bool{"127.0.0.2": true, "127.0.2.9": true, "127.0.1.2": false, "127.0.0.5": false, "128.0.0.2": false, "::1": false} {
		require.Equal(t, want, z.Counts(netip.MustParseAddr(a)), a)
	}
	z, err = dnsbl.ParseZone("list.example*+2")
	require.NoError(t, err)
	require.Equal(t, 2, z.Weight)
	require.True(t, z.Counts(netip.MustParseAddr("127.9.9.9")))
	require.False(t, z.Counts(netip.MustParseAddr("192.0.2.1")), "a list that is gone")
	for _, bad := range []string{"", "=127.0.0.1", "a..b", "a b", "a*x", "a*", "a*99999999999", "a=127.0.0", "a=127.0.0.[2", "a=127.0.0.[5..2]", "a=127.0.0.256", "a=1.2.3.4.5", strings.Repeat("a.", 99) + "b"} {
		_, err := dnsbl.ParseZone(bad)
		require.Error(t, err, bad)
	}
}

func TestCheck(t *testing.T) {
	r := answers{"1.2.0.192.bl.test": "127.0.0.2", "1.2.0.192.more.test": "127.0.0.9", "1.2.0.192.white.test": "127.0.0.1", "1.2.0.192.broken.test": "fail"}
	score := func(list string) dnsbl.Score {
		var zones []dnsbl.Zone
		for w := range strings.FieldsSeq(list) {
			z, err := dnsbl.ParseZone(w)
			require.NoError(t, err)
			zones = append(zones, z)
		}
		return dnsbl.Check(t.Context(), r, zones, netip.MustParseAddr("192.0.2.1"))
	}
	require.Equal(t, dnsbl.Score{Rank: 5, Zone: "more.test"}, score("bl.test*2 more.test*3"))
	require.Equal(t, dnsbl.Score{Rank: 2, Zone: "bl.test"}, score("bl.test*2 more.test=127.0.0.[2..8]*3 none.test"))
	require.Equal(t, dnsbl.Score{Rank: 7, Zone: "more.test"}, score("more.test=127.0.0.[2..8]*3 more.test=127.0.0.[9..10]*7"))
	require.Equal(t, dnsbl.Score{Rank: -2}, score("white.test*-2"))
	s := score("bl.test broken.test")
	require.Equal(t, 1, s.Rank)
	require.Len(t, s.Errors, 1)
	require.ErrorContains(t, s.Errors[0], "1.2.0.192.broken.test")
}

func FuzzParseZone(f *testing.F) {
	for _, s := range []string{"zen.example", "a.b=127.0.0.[2;4..7]*-2", "a=1.[2", "a*", "=", "a=[0..255].[1].[1].[1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		z, err := dnsbl.ParseZone(s)
		if err == nil {
			require.NotEmpty(t, z.Name)
			z.Counts(netip.MustParseAddr("127.0.0.2"))
		}
	})
}

func Example() {
	var zones []dnsbl.Zone
	for _, s := range []string{"bl.test*2", "white.test=127.0.[0..9].1*-1"} {
		z, err := dnsbl.ParseZone(s)
		if err != nil {
			fmt.Println(err)
			return
		}
		zones = append(zones, z)
	}
	names := answers{"1.2.0.192.bl.test": "127.0.0.2", "1.2.0.192.white.test": "127.0.5.1"} // or net.DefaultResolver
	score := dnsbl.Check(context.Background(), names, zones, netip.MustParseAddr("192.0.2.1"))
	fmt.Println(score.Rank, score.Zone)
	// Output: 1 bl.test
}
