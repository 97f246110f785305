package policy_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/stretchr/testify/require"
)

// users are mailboxes, in lower case.
type users []string

func (u users) Account(name string) (string, bool) {
	for _, n := range u {
		if strings.EqualFold(n, name) {
			return n, true
		}
	}
	return "", false
}

func (u users) First() string {
	if len(u) == 0 {
		return ""
	}
	return u[0]
}

var ours = users{"alice@example.test", "bob@example.test", "root@home.test", "thúy@ví-dụ.test", "alice@mail.example.test"}

func site(t testing.TB, u policy.Users, extra string) *policy.Policy {
	c, err := config.Read("main.cf", strings.NewReader(`myhostname = mail.example.test
mydomain = home.test
mynetworks = 127.0.0.0/8 [::1]/128 192.0.2.0/24 2001:db8::/32
virtual_mailbox_domains = example.test, ví-dụ.test
`+extra), "")
	require.NoError(t, err)
	p, err := policy.Open(t.Context(), &c.Settings, policy.Options{Users: u, Own: func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.7") }})
	require.NoError(t, err)
	require.Empty(t, p.Notes())
	return p
}

func TestResolve(t *testing.T) {
	p := site(t, ours, "")
	for _, tt := range []struct {
		to      string
		class   policy.Class
		account string
	}{
		{"alice@example.test", policy.Virtual, "alice@example.test"},
		{"ALICE@Example.TEST", policy.Virtual, "alice@example.test"},
		{`"alice"@example.test`, policy.Virtual, "alice@example.test"},
		{`"al\ice"@example.test`, policy.Virtual, "alice@example.test"},
		{"thúy@ví-dụ.test", policy.Virtual, "thúy@ví-dụ.test"},
		{"thúy@xn--v-d-rma6749a.test", policy.Virtual, "thúy@ví-dụ.test"},
		{"root@localhost", policy.Local, "root@home.test"},
		{"root@localhost.home.test", policy.Local, "root@home.test"},
		{"root@mail.example.test", policy.Local, "root@home.test"},
		{"alice@mail.example.test", policy.Local, "alice@mail.example.test"},
		{"root", policy.Local, "root@home.test"},
		{`"root"`, policy.Local, "root@home.test"},
		{"root@[127.0.0.1]", policy.Local, "root@home.test"},
		{"root@[IPv6:::1]", policy.Local, "root@home.test"},
		{"root@[192.0.2.7]", policy.Local, "root@home.test"},
		{"Postmaster", policy.Local, "alice@example.test"},
		{"postMASTER@example.test", policy.Virtual, "alice@example.test"},
		{"postmaster@localhost", policy.Local, "alice@example.test"},
		{"x@elsewhere.test", policy.Remote, ""},
		{"x@sub.example.test", policy.Remote, ""},
		{"x@home.test", policy.Remote, ""},
		{"x@[192.0.2.8]", policy.Remote, ""},
		{`"alice@example.test"@localhost`, policy.Virtual, "alice@example.test"}, // what is within the quotes counts, as in Postfix
	} {
		got, err := p.Resolve(tt.to)
		require.NoError(t, err, tt.to)
		require.Equal(t, tt.class, got.Class, tt.to)
		require.Equal(t, tt.account, got.Account, tt.to)
		require.Contains(t, got.Address, "@")
	}
	got, err := p.Resolve("X@Elsewhere.Test")
	require.NoError(t, err)
	require.Equal(t, policy.Target{Address: "X@Elsewhere.Test", Class: policy.Remote, Kind: rewrite.Default, Nexthop: "elsewhere.test"}, got)
	got, err = p.Resolve("root")
	require.NoError(t, err)
	require.Equal(t, "root@mail.example.test", got.Address)
}

func TestUnknownUsers(t *testing.T) {
	p := site(t, ours, "")
	for to, want := range map[string]string{
		"carol@example.test":              "550 5.1.1 <carol@example.test>: Recipient address rejected: User unknown in virtual mailbox table",
		"carol@localhost":                 "550 5.1.1 <carol@localhost>: Recipient address rejected: User unknown in local recipient table",
		"b%elsewhere.test@example.test":   "550 5.1.1 <b%elsewhere.test@example.test>: Recipient address rejected: User unknown in virtual mailbox table",
		`"b@elsewhere.test"@example.test`: `550 5.1.1 <b@elsewhere.test@example.test>: Recipient address rejected: User unknown in virtual mailbox table`,
		"elsewhere.test!b@example.test":   "550 5.1.1 <elsewhere.test!b@example.test>: Recipient address rejected: User unknown in virtual mailbox table",
		`"bob@example.test"@example.test`: `550 5.1.1 <bob@example.test@example.test>: Recipient address rejected: User unknown in virtual mailbox table`,
		"root@example.test":               "550 5.1.1 <root@example.test>: Recipient address rejected: User unknown in virtual mailbox table",
		"x@[nonsense]":                    "501 5.1.3 Bad recipient address syntax",
		"carol":                           "550 5.1.1 <carol>: Recipient address rejected: User unknown in local recipient table",
	} {
		_, err := p.Resolve(to)
		require.EqualError(t, err, want)
	}
	_, err := site(t, users{}, "").Resolve("postmaster")
	require.Error(t, err, "nobody is there at all")
}

func TestPostmasterAddress(t *testing.T) {
	p := site(t, ours, "postmaster_address = bob@example.test")
	got, err := p.Resolve("postmaster@example.test")
	require.NoError(t, err)
	require.Equal(t, "bob@example.test", got.Account)
	p = site(t, append(ours, "postmaster@example.test"), "postmaster_address = bob@example.test")
	got, err = p.Resolve("Postmaster@example.test")
	require.NoError(t, err)
	require.Equal(t, "postmaster@example.test", got.Account, "who is called so has it")
}

func TestRelayhost(t *testing.T) {
	p := site(t, ours, "relayhost = [smart.test]:587")
	got, err := p.Resolve("x@elsewhere.test")
	require.NoError(t, err)
	require.Equal(t, "[smart.test]:587", got.Nexthop)
}

func TestSender(t *testing.T) {
	p := site(t, ours, "")
	for from, want := range map[string]string{"": "", "a@b.test": "a@b.test", "root": "root@mail.example.test", `"a@b"`: "a@b"} {
		got, err := p.Sender(t.Context(), from)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestWhoMayRelay(t *testing.T) {
	p := site(t, ours, "")
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip)} }
	for ip, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true, "192.0.2.200": true, "2001:db8:1::1": true,
		"192.0.3.1": false, "10.0.0.1": false, "2001:db9::1": false, "::2": false,
	} {
		require.Equal(t, want, p.Trusted(tcp(ip)), ip)
		require.Equal(t, want, p.MayRelay(t.Context(), tcp(ip), "", "x@elsewhere.test") == nil, ip)
		require.NoError(t, p.MayRelay(t.Context(), tcp(ip), "anna", "x@elsewhere.test"))
	}
	require.True(t, p.Trusted(&net.UnixAddr{Name: "/run/x"}))
	require.False(t, p.Trusted(nil))
	require.False(t, p.Trusted(&net.TCPAddr{}))
	require.EqualError(t, p.MayRelay(t.Context(), tcp("10.0.0.1"), "", "b@elsewhere.test"), "554 5.7.1 <b@elsewhere.test>: Relay access denied")
}

func TestFromThisMachine(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip)} }
	require.True(t, policy.FromThisMachine(tcp("127.0.0.1"), tcp("127.0.0.1")))
	require.True(t, policy.FromThisMachine(tcp("192.0.2.1"), tcp("192.0.2.1")))
	require.True(t, policy.FromThisMachine(&net.UnixAddr{}, nil))
	require.False(t, policy.FromThisMachine(tcp("192.0.2.2"), tcp("192.0.2.1")))
	require.False(t, policy.FromThisMachine(nil, nil))
}

func TestDomainInTwoLists(t *testing.T) {
	c, err := config.Read("main.cf", strings.NewReader("myhostname = example.test\nvirtual_mailbox_domains = EXAMPLE.test"), "")
	require.NoError(t, err)
	p, err := policy.Open(t.Context(), &c.Settings, policy.Options{Users: ours})
	require.NoError(t, err)
	require.Equal(t, []string{"do not list domain example.test in BOTH mydestination and virtual_mailbox_domains: it is taken as the former"}, p.Notes())
	got, err := p.Resolve("alice@example.test")
	require.NoError(t, err)
	require.Equal(t, policy.Local, got.Class)
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"a@b", `"\"@x"@example.test`, "alice", "x@[IPv6:::1]", "@", "postmaster@[127.0.0.1]"} {
		f.Add(s)
	}
	p := site(f, ours, "")
	f.Fuzz(func(t *testing.T, to string) {
		got, err := p.Resolve(to)
		if err == nil && got.Class != policy.Remote {
			require.Contains(t, ours, got.Account)
		}
		if got.Class == policy.Remote {
			require.Empty(t, got.Account)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	p := site(b, ours, "")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Resolve("alice@example.test"); err != nil {
			b.Fatal(err)
		}
	}
}

func ExamplePolicy_Resolve() {
	c, _ := config.Read("main.cf", strings.NewReader("myhostname = mail.example.test\nvirtual_mailbox_domains = example.test\n"), "")
	p, _ := policy.Open(context.Background(), &c.Settings, policy.Options{Users: users{"alice@example.test"}})
	t, err := p.Resolve("Alice@example.test")
	fmt.Println(t.Class, t.Account, err)
	_, err = p.Resolve("carol@example.test")
	fmt.Println(err)
	// Output:
	// virtual alice@example.test <nil>
	// 550 5.1.1 <carol@example.test>: Recipient address rejected: User unknown in virtual mailbox table
}

func ExamplePolicy_MayRelay() {
	c, _ := config.Read("main.cf", strings.NewReader("mynetworks = 192.0.2.0/24\n"), "mail.example.test")
	p, _ := policy.Open(context.Background(), &c.Settings, policy.Options{Users: users{}})
	fmt.Println(p.MayRelay(context.Background(), &net.TCPAddr{IP: net.ParseIP("203.0.113.9")}, "", "b@elsewhere.test"))
	// Output: 554 5.7.1 <b@elsewhere.test>: Relay access denied
}
