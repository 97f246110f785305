package policy_test

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/stretchr/testify/require"
)

// postconf(5), mynetworks: "Specify a list of network addresses or network/netmask patterns […] You can also specify "/file/name" or "type:table" patterns. […]
// The list is matched left to right, and the search stops on the first match. Specify "!pattern" to exclude an address or network block from the list."
func TestNetworkPatterns(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/nets", []byte("# ours\n192.0.2.0/24\n!198.51.100.7, 198.51.100.0/24\n[2001:db8::]/32\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/cidr", []byte("203.0.113.0/25 x\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/hash", []byte("203.0.113.200 x\n"), 0o600))
	open := func(networks string) *policy.Policy {
		c, err := config.Read("main.cf", strings.NewReader("myhostname = h.test\nmynetworks = "+networks+"\n"), "")
		require.NoError(t, err)
		p, err := policy.Open(t.Context(), &c.Settings, policy.Options{Users: users{}})
		require.NoError(t, err)
		t.Cleanup(func() { p.Close() })
		return p
	}
	for networks, want := range map[string]string{
		"192.0.2.0/24 [2001:db8::]/32":                   "192.0.2.1 192.0.2.2 2001:db8::1",
		dir + "/nets":                                    "192.0.2.1 192.0.2.2 198.51.100.8 2001:db8::1",
		"!192.0.2.1 192.0.2.0/24":                        "192.0.2.2",
		"192.0.2.0/24 !192.0.2.1":                        "192.0.2.1 192.0.2.2",
		"cidr:" + dir + "/cidr":                          "203.0.113.1",
		"hash:" + dir + "/hash, 192.0.2.1":               "192.0.2.1 203.0.113.200",
		"!" + "203.0.113.1, proxy:cidr:" + dir + "/cidr": "",
		"": "",
	} {
		p := open(networks)
		var got []string
		for _, a := range []string{"192.0.2.1", "192.0.2.2", "198.51.100.7", "198.51.100.8", "2001:db8::1", "203.0.113.1", "203.0.113.200", "8.8.8.8"} {
			if p.Trusted(&net.TCPAddr{IP: net.ParseIP(a)}) {
				got = append(got, a)
			}
		}
		require.Equal(t, want, strings.Join(got, " "), networks)
	}
	c, err := config.Read("main.cf", strings.NewReader("mynetworks = /nonexistent\n"), "h.test")
	require.NoError(t, err)
	_, err = policy.Open(t.Context(), &c.Settings, policy.Options{Users: users{}})
	require.ErrorContains(t, err, "mynetworks: open /nonexistent: no such file")
	for text, want := range map[string]string{
		"mysql:/x":   `"mysql:/x" may fail, and whoever asks then would be a stranger: name a cidr: table, or a file of networks`,
		"10.0.0.5/8": `"10.0.0.5/8" has bits set behind its mask; did you mean 10.0.0.0/8?`, "office.example": `"office.example" is not a network`, "192.168.1.": `is not a network`,
	} {
		_, err := config.Read("main.cf", strings.NewReader("mynetworks = "+text+"\n"), "h.test")
		require.ErrorContains(t, err, "main.cf, line 1: mynetworks: ")
		require.ErrorContains(t, err, want)
	}
}
