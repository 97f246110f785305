package lookup_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/postmap"
	"github.com/buuta/mail/internal/peers"
)

// ldif is a directory of people, one for each nasty key, and of groups within groups.
func ldif() string {
	var b strings.Builder
	n := 0
	entry := func(dn string, lines ...string) {
		fmt.Fprintf(&b, "dn:: %s\n", base64.StdEncoding.EncodeToString([]byte(dn)))
		for _, l := range lines {
			name, value, _ := strings.Cut(l, ": ")
			fmt.Fprintf(&b, "%s:: %s\n", name, base64.StdEncoding.EncodeToString([]byte(value)))
		}
		b.WriteString("\n")
		n++
	}
	thing := func(cn string, lines ...string) {
		entry("cn="+directory.EscapeDN(cn)+",ou=people,dc=example,dc=com", append([]string{"objectClass: person", "objectClass: mailthing", "cn: " + cn, "sn: x"}, lines...)...)
	}
	entry("dc=example,dc=com", "objectClass: dcObject", "objectClass: organization", "dc: example", "o: x")
	entry("ou=people,dc=example,dc=com", "objectClass: organizationalUnit", "ou: people")
	entry("ou=example.com,dc=example,dc=com", "objectClass: organizationalUnit", "ou: example.com")
	entry("cn=inside,ou=example.com,dc=example,dc=com", "objectClass: person", "objectClass: mailthing", "cn: inside", "sn: x", "mailacceptinggeneralid: alice@example.com", "maildrop: inside@example.com")
	for i, k := range nasty() {
		if len(k) > 300 || strings.TrimSpace(k) == "" || strings.HasPrefix(k, "none") || strings.ContainsAny(k, "\x1a\x01") || strings.HasPrefix(k, "ALICE") {
			continue
		}
		thing(fmt.Sprintf("p%d", i), "mailacceptinggeneralid: "+k, "maildrop: to-"+k)
	}
	thing("many", "mailacceptinggeneralid: multi@example.com", "maildrop: a@example.com", "maildrop: @nouser", "maildrop: nodomain", "mailhome: /home/many")
	thing("g1", "mailacceptinggeneralid: group@example.com", "memberdn: cn=many,ou=people,dc=example,dc=com", "memberdn: cn=g2,ou=people,dc=example,dc=com", "memberdn: cn=missing,ou=people,dc=example,dc=com", "maildrop: group-own@example.com")
	thing("g2", "mailacceptinggeneralid: group2@example.com", "memberdn: cn=m1,ou=people,dc=example,dc=com", "memberurl: ldap:///ou=people,dc=example,dc=com?maildrop?sub?(sn=member)", "mailhome: leafhome")
	thing("m1", "maildrop: m1@example.com", "mailhome: /home/m1")
	entry("cn=m2,ou=people,dc=example,dc=com", "objectClass: person", "objectClass: mailthing", "cn: m2", "sn: member", "maildrop: m2@example.com", "maildrop: m2b@example.com")
	thing("loop", "mailacceptinggeneralid: loop@example.com", "memberdn: cn=loop,ou=people,dc=example,dc=com", "maildrop: loop@x")
	thing("badurl", "mailacceptinggeneralid: badurl@example.com", "memberurl: ldap:///dc=example?x?nonsense?(a=b)")
	thing("hidden", "mailacceptinggeneralid: hidden@example.com", "memberurl: ldap:///ou=people,dc=example,dc=com?telephoneNumber?sub?(sn=member)")
	return b.String()
}

func TestLDAPAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	p.Need(t, "ldap")
	d := peers.Slapd(t, ldif())
	where := "server_host = ldap://" + d.Addr + "\nversion = 3\nsearch_base = dc=example, dc=com\n"
	keys := append(nasty(), "multi@example.com", "group@example.com", "group2@example.com", "hidden@example.com", "*", "a*", "*@example.com", "alice@example.com)(objectClass=*", "*)(|(cn=*", "\\2a", "(", ")", "&(a=b)", "\\", "a,dc=com", "x+y=z", "#x", "<x>", "cn=many", "many", "inside", "p10")
	dirs := new(directory.Directories)
	defer dirs.Close()
	for name, text := range map[string]string{
		"plain":     "",
		"format":    "result_format = smtp:[%s]",
		"filter":    "result_filter = %u at %d",
		"parts":     "query_filter = (&(mailacceptinggeneralid=%u@%d)(objectClass=mailthing))\nresult_format = %s %U %D",
		"labels":    "query_filter = (mailacceptinggeneralid=%u@%2.%1)",
		"or":        "query_filter = (|(mailacceptinggeneralid=%s)(cn=%s))",
		"bare":      "query_filter = mailacceptinggeneralid=%s",
		"base":      "search_base = ou=%d, dc=example, dc=com\nquery_filter = (mailacceptinggeneralid=%s)",
		"basekey":   "search_base = cn=%s, ou=people, dc=example, dc=com\nscope = base\nquery_filter = (objectClass=*)",
		"one":       "scope = one\nquery_filter = (|(mailacceptinggeneralid=%s)(ou=%s)(objectClass=dcObject))\nresult_attribute = ou\nsearch_base = dc=example,dc=com",
		"several":   "result_attribute = maildrop, mailhome, cn",
		"special":   "special_result_attribute = memberdn",
		"urls":      "special_result_attribute = memberdn memberurl",
		"onlydn":    "result_attribute = cn\nspecial_result_attribute = memberdn",
		"leaf":      "leaf_result_attribute = mailhome\nspecial_result_attribute = memberdn, memberurl",
		"terminal":  "terminal_result_attribute = mailhome\nspecial_result_attribute = memberdn, memberurl",
		"termleaf":  "terminal_result_attribute = description\nleaf_result_attribute = maildrop\nresult_attribute = mailhome\nspecial_result_attribute = memberdn, memberurl",
		"recursion": "special_result_attribute = memberdn memberurl\nrecursion_limit = 3",
		"limit":     "expansion_limit = 3",
		"domain":    "domain = example.com, inline:{{example.org=x}}",
		"nobind":    "bind = no",
		"bind":      "bind_dn = cn=admin,dc=example,dc=com\nbind_pw = " + peers.Password,
		"deref":     "dereference = 3",
	} {
		t.Run(name, func(t *testing.T) {
			spec := "ldap:" + p.Write(t, name+".cf", where+text+"\n")
			compare(t, p, spec, keys, &lookup.Options{Directories: dirs})
		})
	}
	var wg sync.WaitGroup // postmap sleeps a second before it gives up
	for name, tt := range map[string]struct{ text, key, want string }{
		"loop":   {"special_result_attribute = memberdn", "loop@example.com", "recursion_limit exceeded"},
		"badurl": {"special_result_attribute = memberurl", "badurl@example.com", "is no scope"},
		"limits": {"expansion_limit = 2", "multi@example.com", "more results than expansion_limit"},
		"nobase": {"search_base = ou=nosuch,dc=example,dc=com", "multi@example.com", "no such object"},
		"wrong":  {"bind_dn = cn=admin,dc=example,dc=com\nbind_pw = geheim", "multi@example.com", "Invalid Credentials"},
		"size":   {"query_filter = (|(cn=%s)(objectClass=*))\nsize_limit = 5", "multi@example.com", "Size Limit Exceeded"},
		"tls":    {"start_tls = yes", "multi@example.com", "start_tls"},
	} {
		func() {
			spec := "ldap:" + p.Write(t, name+".cf", where+tt.text+"\n")
			_, found, err := lookup.Query(context.Background(), spec, tt.key, nil)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "geheim")
			require.False(t, found)
			wg.Go(func() {
				if _, _, failed := p.Query(t, spec, tt.key); !failed {
					t.Errorf("%s: postmap answers", name)
				}
			})
		}()
	}
	wg.Wait()
	// The server goes, and the answer is that nobody knows.
	table, err := lookup.Open(context.Background(), "ldap:"+p.Write(t, "gone.cf", where), &lookup.Options{Directories: dirs})
	require.NoError(t, err)
	require.NoError(t, lookup.Ping(context.Background(), table))
	d.Stop()
	_, _, err = table.Find(context.Background(), "multi@example.com")
	require.ErrorContains(t, err, "ldap://"+d.Addr+": ")
	require.Error(t, lookup.Ping(context.Background(), table))
}

func TestLDAPFilesRefused(t *testing.T) {
	write := postmapDir(t)
	base := "search_base = dc=x\n"
	for i, tt := range []struct{ text, want string }{
		{"server_host = x\n", "there is no search_base; write one"},
		{base + "query_filter = (a=%s\n", ":2: query_filter: "},
		{base + "query_filter = (a=b)\n", ":2: neither query_filter nor search_base"},
		{base + "scope = tree\n", `:2: scope = "tree": there are sub, base and one`},
		{base + "bind = sasl\n", `:2: bind = "sasl" is not supported`},
		{base + "version = 2\n", ":2: version = 2: only 3"},
		{base + "server_host = http://x\n", ":2: "},
		{base + "chase_referrals = 1\n", ":2: "},
		{base + "tls_ca_cert_file = /nonexistent/x\n", "/nonexistent/x"},
		{base + "dereference = 4\n", ":2: dereference is 0 to 3"},
		{base + "result_attribute =\n", "there is no result_attribute"},
	} {
		_, err := lookup.Open(context.Background(), "ldap:"+write(fmt.Sprint(i), tt.text), nil)
		require.ErrorContains(t, err, tt.want, "%v", tt)
	}
}
