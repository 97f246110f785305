package mx

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseNexthop(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "each",
		"example.net":                  "domain example.net",
		"Example.NET.":                 "domain example.net",
		"example.net:587":              "domain example.net port 587",
		"example.net:submission":       "domain example.net port submission",
		"[mail.example.net]":           "host mail.example.net",
		"[mail.example.net]:465":       "host mail.example.net port 465",
		"[192.0.2.1]":                  "address 192.0.2.1",
		"[192.0.2.1]:2525":             "address 192.0.2.1 port 2525",
		"192.0.2.1:2525":               "address 192.0.2.1 port 2525",
		"192.0.2.1":                    "address 192.0.2.1",
		"[2001:db8::1]:25":             "address 2001:db8::1 port 25",
		"2001:db8::1":                  "address 2001:db8::1",
		"[IPv6:2001:db8::1]":           "address 2001:db8::1",
		"[::ffff:192.0.2.1]":           "address 192.0.2.1",
		"localhost:2525":               "host localhost port 2525",
		"unix:/run/lmtp.sock":          "socket /run/lmtp.sock",
		"bücher.example":               "domain xn--bcher-kva.example",
		"[":                            "",
		"[]":                           "",
		"[a":                           "",
		"[a]b":                         "",
		"[a]:":                         "",
		"a:":                           "",
		"a:2 5":                        "",
		"a b":                          "",
		"a\r\nb":                       "",
		"a..b":                         "",
		".a":                           "",
		".":                            "",
		":25":                          "",
		"unix:":                        "",
		"a>b":                          "",
		"a:b:c":                        "",
		"example.net:aaaaaaaaaaaaaaaa": "",
	} {
		n, err := parseNexthop(in)
		if want == "" {
			require.Error(t, err, in)
			continue
		}
		require.NoError(t, err, in)
		got := ""
		switch {
		case n.each:
			got = "each"
		case n.path != "":
			got = "socket " + n.path
		case n.addr.IsValid():
			got = "address " + n.addr.String()
		case n.literal:
			got = "host " + n.name
		default:
			got = "domain " + n.name
		}
		if n.port != "" {
			got += " port " + n.port
		}
		require.Equal(t, want, got, in)
	}
}

// Whatever comes in, what is looked up or written into a log is a domain, an address or a socket, and reading its
// form again gives the same.
func FuzzParseNexthop(f *testing.F) {
	for _, s := range []string{"example.net:25", "[192.0.2.1]:25", "[IPv6:2001:db8::1]", "unix:/x", "bücher.example", "[a]:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseNexthop(s)
		if err != nil || n.each || n.path != "" {
			return
		}
		for _, c := range []byte(n.name + n.port) {
			require.True(t, c > ' ' && c < 0x7f, "%q", s)
		}
		again, err := parseNexthop(n.String())
		require.NoError(t, err, "%q", s)
		require.Equal(t, n.name, again.name)
		require.Equal(t, n.addr, again.addr)
	})
}
