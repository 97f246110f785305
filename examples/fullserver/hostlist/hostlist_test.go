package hostlist_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/hostlist"
)

func TestHas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "more")
	require.NoError(t, os.WriteFile(file, []byte("# ours\n198.51.100.0/24\n  relay.example\n"), 0o600))
	for _, c := range []struct {
		list       string
		subdomains bool
		name, addr string
		want       bool
	}{
		{"127.0.0.0/8 [::1]/128", false, "", "127.0.0.9", true},
		{"127.0.0.0/8 [::1]/128", false, "localhost", "::1", true},
		{"127.0.0.0/8, ::1", false, "", "::2", false},
		{"192.0.2.7", false, "", "::ffff:192.0.2.7", true},
		{"!192.0.2.7, 192.0.2.0/24", false, "", "192.0.2.7", false},
		{"!192.0.2.7, 192.0.2.0/24", false, "", "192.0.2.8", true},
		{"[2001:db8::]/32", false, "", "2001:db8::7", true},
		{"host.example", false, "Host.Example.", "192.0.2.1", true},
		{"host.example", false, "a.host.example", "192.0.2.1", false},
		{"host.example", true, "a.host.example", "192.0.2.1", true},
		{".example", false, "a.host.example", "192.0.2.1", true},
		{".example", false, "example", "192.0.2.1", false},
		{file, false, "x", "198.51.100.9", true},
		{file, false, "relay.example", "192.0.2.1", true},
		{"inline:{192.0.2.1=x}", false, "", "192.0.2.1", true},
		{"inline:{.example=x}", false, "a.example", "192.0.2.1", true},
		{"inline:{example=x}", false, "a.example", "192.0.2.1", false},
		{"inline:{example=x}", true, "a.example", "192.0.2.1", true},
		{"static:all", false, "", "192.0.2.1", true},
		{"", false, "a.example", "192.0.2.1", false},
	} {
		l, err := hostlist.Open(t.Context(), c.list, c.subdomains, nil)
		require.NoError(t, err, c.list)
		require.Equal(t, c.want, l.Has(c.name, netip.MustParseAddr(c.addr)), "%+v", c)
		require.NoError(t, l.Close())
	}
	for _, bad := range []string{"192.0.2.7/24", "[192.0.2.7", "a/24", "/nonesuch", "!", "nonesuch:x"} {
		_, err := hostlist.Open(t.Context(), bad, false, nil)
		require.Error(t, err, bad)
	}
}

// Whatever stands in a list, reading it and asking it ends.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{"127.0.0.0/8 [::1]/128", "!a.example, .b", "inline:{a=b}", "[", "a:b", "{", "!!!!"} {
		f.Add(s, "a.b.example")
	}
	f.Fuzz(func(t *testing.T, list, name string) {
		for _, w := range []string{"/", ":"} { // files and tables are the machine's
			if len(list) > 200 || filepath.IsAbs(list) || w == ":" && containsTable(list) {
				t.Skip()
			}
		}
		l, err := hostlist.Open(t.Context(), list, true, nil)
		if err != nil {
			return
		}
		l.Has(name, netip.MustParseAddr("192.0.2.1"))
		l.Has(name, netip.MustParseAddr("2001:db8::1"))
		require.NoError(t, l.Close())
	})
}

func containsTable(s string) bool {
	for i := range len(s) {
		if s[i] == '/' || s[i] == ':' && i > 0 {
			return true
		}
	}
	return false
}
