package directory

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/internal/peers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ldif = `dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: x

dn: cn=alice,dc=example,dc=com
objectClass: person
cn: alice
sn: A
userPassword: secret
`

func TestDirectory(t *testing.T) {
	d := peers.Slapd(t, ldif)
	all := new(Directories)
	defer all.Close()
	c := Config{URIs: []string{"ldap://127.0.0.1:1", "ldap://" + d.Addr}, Bind: true, DN: "cn=admin,dc=example,dc=com", Password: peers.Password}
	dir, err := all.Get(c)
	require.NoError(t, err)
	same, err := all.Get(c)
	require.NoError(t, err)
	require.Same(t, dir, same)
	ctx := context.Background()
	require.NoError(t, dir.Ping(ctx))
	found, err := dir.Search(ctx, &Request{Base: "dc=example,dc=com", Scope: 2, Filter: "(cn=" + EscapeFilter("alice") + ")", Attributes: []string{"SN", "userPassword"}})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, []string{"A"}, found[0].Values("sn"))
	require.Equal(t, []string{"secret"}, found[0].Values("userpassword"))
	_, err = dir.Search(ctx, &Request{Base: "dc=nosuch", Filter: "(a=b)"})
	require.ErrorIs(t, err, ErrNoObject)
	_, err = dir.Search(ctx, &Request{Base: "dc=example,dc=com", Scope: 2, Filter: "(objectClass=*)", SizeLimit: 1})
	require.ErrorContains(t, err, "Size Limit")
	_, err = dir.Search(ctx, &Request{Base: "dc=example,dc=com", Filter: "(a=b"})
	require.Error(t, err)
	require.NoError(t, dir.Ping(ctx))

	// RFC 4513 section 5.1.2: "A bind with a name and no password" is unauthenticated, and succeeds at many servers.
	alice := "cn=alice,dc=example,dc=com"
	require.NoError(t, dir.Authenticate(ctx, alice, "secret"))
	for _, wrong := range [][2]string{{alice, "wrong"}, {alice, ""}, {"", ""}, {"", "secret"}, {"cn=nobody,dc=example,dc=com", "secret"}, {"not a dn", "secret"}} {
		require.ErrorIs(t, dir.Authenticate(ctx, wrong[0], wrong[1]), ErrCredentials, wrong)
	}
	require.NoError(t, dir.Authenticate(ctx, alice, "secret"))
	d.Stop()
	err = dir.Authenticate(ctx, alice, "secret")
	require.Error(t, err)
	require.False(t, errors.Is(err, ErrCredentials), "a directory that is gone says nothing about passwords")
}

// A server that says nothing is given up, and one that says too much.
func TestBadServers(t *testing.T) {
	server := func(serve func(net.Conn)) Dialer {
		return func(context.Context, string, string) (net.Conn, error) {
			client, s := net.Pipe()
			go func() {
				defer s.Close()
				serve(s)
			}()
			return client, nil
		}
	}
	silent := &Directories{Dial: server(func(c net.Conn) {
		buf := make([]byte, 1000)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
		}
	})}
	defer silent.Close()
	dir, err := silent.Get(Config{URIs: []string{"ldap://h"}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	go cancel()
	_, err = dir.Search(ctx, &Request{Filter: "(a=b)"})
	require.ErrorIs(t, err, context.Canceled)

	chatty := &Directories{Dial: server(func(c net.Conn) {
		buf := make([]byte, 1000)
		c.Read(buf)
		// One packet of 1 GiB.
		c.Write([]byte{0x30, 0x84, 0x40, 0, 0, 0})
		for {
			if _, err := c.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})}
	defer chatty.Close()
	dir, err = chatty.Get(Config{URIs: []string{"ldap://h"}})
	require.NoError(t, err)
	_, err = dir.Search(context.Background(), &Request{Filter: "(a=b)"})
	require.Error(t, err)
}

func TestURIs(t *testing.T) {
	for s, want := range map[string]string{
		"ldap://h": "tcp h:389", "ldaps://h": "tcp h:636", "LDAP://h:1/": "tcp h:1", "ldapi://%2Frun%2Fslapd%2Fldapi": "unix /run/slapd/ldapi", "ldap://[::1]": "tcp [::1]:389",
		"ldap://": "!", "http://h": "!", "h": "!", "ldapi://x": "!", "ldap://h/dc=x": "!", "ldap://http://x": "!",
	} {
		a, err := parseURI(s)
		if want == "!" {
			require.Error(t, err, s)
			continue
		}
		require.NoError(t, err, s)
		require.Equal(t, want, a.network+" "+a.address)
	}
	_, err := new(Directories).Get(Config{})
	require.ErrorContains(t, err, "no server")
}

// RFC 4516 section 4 has the first ones.
func TestURLs(t *testing.T) {
	for s, want := range map[string]Request{
		"ldap:///o=University%20of%20Michigan,c=US":                                               {Base: "o=University of Michigan,c=US", Filter: "(objectClass=*)"},
		"ldap://ldap1.example.net/o=University%20of%20Michigan,c=US?postalAddress":                {Base: "o=University of Michigan,c=US", Attributes: []string{"postalAddress"}, Filter: "(objectClass=*)"},
		"ldap://ldap1.example.net:6666/o=University%20of%20Michigan,c=US??sub?(cn=Babs%20Jensen)": {Base: "o=University of Michigan,c=US", Scope: 2, Filter: "(cn=Babs Jensen)"},
		"LDAP://ldap1.example.com/c=GB?objectClass?ONE":                                           {Base: "c=GB", Attributes: []string{"objectClass"}, Scope: 1, Filter: "(objectClass=*)"},
		"ldap://ldap2.example.com/o=Question%3f,c=US?mail":                                        {Base: "o=Question?,c=US", Attributes: []string{"mail"}, Filter: "(objectClass=*)"},
		"ldap:///??sub??e-bindname=cn=Manager%2cdc=example%2cdc=com":                              {Scope: 2, Filter: "(objectClass=*)"},
	} {
		require.True(t, IsURL(s))
		r, err := ParseURL(s)
		require.NoError(t, err, s)
		require.Equal(t, want, *r, s)
	}
	for _, s := range []string{"ldap:///??sub??!e-bindname=cn=Manager%2cdc=example%2cdc=com", "ldap:///x??tree", "ldap:///%zz"} {
		_, err := ParseURL(s)
		require.Error(t, err, s)
	}
}

func FuzzURL(f *testing.F) {
	f.Add("ldap://h/dc=x?a,b?sub?(c=d)?!e")
	f.Add("ldapi://%2F/%3f")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseURL(s); err == nil && (r.Scope < 0 || r.Scope > 2 || r.Filter == "") {
			t.Fatalf("%q: %v", s, r)
		}
		if a, err := parseURI(s); err == nil && a.address == "" {
			t.Fatalf("%q leads nowhere", s)
		}
	})
}

// FuzzEscape: no text is more than a value, in a filter (RFC 4515) or in a name (RFC 4514).
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"a", "*", ")(cn=*", `\`, "\x00", "é", " #,+\"<>;= ", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e := EscapeFilter(s)
		if strings.ContainsAny(e, "*()\x00") || CheckFilter("(&(a="+e+")(b=c))") != nil {
			t.Fatalf("%q becomes %q", s, e)
		}
	})
}
