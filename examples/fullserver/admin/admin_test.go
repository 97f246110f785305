package admin_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/stretchr/testify/require"
)

var files = map[string]string{
	"users":   "# all\nlan@an.example:{PLAIN}x\nhoa@an.example:{PLAIN}x\nseller@an.example:{PLAIN}x\nminh@binh.example:{PLAIN}x\n",
	"aliases": "info@an.example  lan@an.example\ninfo@binh.example  minh@binh.example\n",
	"domains": "an.example 1\nbinh.example 2\nshop.example 3\n",
	"quotas":  "an.example *:storage=1M:mailboxes=4:aliases=2\n",
	"admins":  "lan@an.example an.example, shop.example\nseller@an.example an.example, binh.example\nroot@an.example ALL\n",
}

type site struct {
	admin.Site
	t   *testing.T
	dir string
	log []string
}

func newSite(t *testing.T) *site {
	s := &site{t: t, dir: t.TempDir()}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
	}
	f, err := passwdfile.Open(s.dir+"/users", passwdfile.Options{Domain: "an.example"})
	require.NoError(t, err)
	open := func(name string) *lookup.List {
		l, err := lookup.OpenList(t.Context(), "hash:"+s.dir+"/"+name, &lookup.Options{Limits: lookup.Limits{Check: -1}})
		require.NoError(t, err)
		return l
	}
	s.Site = admin.Site{
		Users: s.dir + "/users", MyDomain: "an.example", Aliases: s.dir + "/aliases", Domains: s.dir + "/domains", DomainQuotas: s.dir + "/quotas", AdminFile: s.dir + "/admins",
		Admins: open("admins"), Quotas: &quota.Rules{Users: accounts.File{F: f}, DomainMaps: open("quotas"), Warn: func(err error) { t.Error(err) }},
		Class: func(_ context.Context, domain string) (rewrite.Class, error) {
			if strings.HasSuffix(domain, ".far.example") {
				return rewrite.Default, nil
			}
			return rewrite.VirtualMailbox, nil
		},
		Log: func(who, what string, err error) { s.log = append(s.log, fmt.Sprint(who, "|", what, "|", err)) },
	}
	return s
}

func (s *site) read(name string) string {
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	require.NoError(s.t, err)
	return string(b)
}

func (s *site) as(user string) *admin.Actor {
	a, err := s.As(s.t.Context(), user)
	require.NoError(s.t, err)
	return a
}

// What somebody does in his domains.
func TestOwnDomain(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	lan := s.as("LAN@an.example")
	require.NoError(t, lan.AddUser(ctx, "New@an.example", "secret"))
	require.ErrorIs(t, lan.AddUser(ctx, "new@an.example", "secret"), passwdfile.ErrExists)
	require.ErrorContains(t, lan.AddUser(ctx, "fifth@an.example", "secret"), "an.example has 4 mailboxes and may have 4")
	require.NoError(t, lan.SetPassword(ctx, "hoa", "secret"), "a name without a domain is of the site's own")
	require.ErrorContains(t, lan.SetPassword(ctx, "hoa@an.example", ""), "no password")
	require.NoError(t, lan.SetQuota(ctx, "hoa@an.example", "*:storage=1M"))
	require.ErrorIs(t, lan.SetQuota(ctx, "hoa@an.example", "*:storage=2M"), admin.ErrDenied)
	require.ErrorIs(t, lan.SetQuota(ctx, "hoa@an.example", "*:ignore"), admin.ErrDenied)
	require.NoError(t, lan.DeleteUser(ctx, "new@an.example"))
	require.NoError(t, lan.SetAlias(ctx, "Sales@an.example", "lan@an.example", "partner@b.far.example"))
	require.NoError(t, lan.SetAlias(ctx, "sales@an.example", "hoa@an.example"), "another one for the same address is no alias more")
	require.ErrorContains(t, lan.SetAlias(ctx, "third@an.example", "lan@an.example"), "an.example has 2 aliases and may have 2")
	require.NoError(t, lan.DeleteAlias(ctx, "info@an.example"))
	require.NoError(t, lan.SetAlias(ctx, "@shop.example", "@an.example"))
	users, err := lan.UsersOf(ctx, "an.example")
	require.NoError(t, err)
	require.Equal(t, []admin.User{{Name: "lan@an.example"}, {Name: "hoa@an.example", Quota: quota.Rule{Storage: 1 << 20}}, {Name: "seller@an.example"}}, users)
	domains, err := lan.DomainsOf(ctx, "AN.example")
	require.NoError(t, err)
	d := domains[0]
	require.Equal(t, 1, d.Aliases)
	require.Equal(t, quota.Rule{Storage: 1 << 20, Mailboxes: 4, Aliases: 2}, d.Limits)
	names, err := lan.Names(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"an.example", "shop.example"}, names)

	require.Contains(t, s.read("users"), "# all\nlan@an.example:{PLAIN}x\nhoa@an.example:{SHA512-CRYPT}$6$")
	require.Equal(t, "info@binh.example  minh@binh.example\nsales@an.example    hoa@an.example\n@shop.example    @an.example\n", s.read("aliases"))
	require.Equal(t, "lan@an.example|user add New@an.example|<nil>", s.log[0])
	require.Contains(t, s.log, "lan@an.example|user add fifth@an.example|an.example has 4 mailboxes and may have 4")
	for _, line := range s.log {
		require.NotContains(t, line, "secret")
	}
}

// Whoever administers one domain gets nothing of another: he changes nothing there, sees nothing, and isn't told what there is.
func TestOthersDomain(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	lan := s.as("lan@an.example")
	try := map[string]func(domain, user string) error{
		"add":    func(d, u string) error { return lan.AddUser(ctx, u+"@"+d, "x") },
		"passwd": func(d, u string) error { return lan.SetPassword(ctx, u+"@"+d, "x") },
		"del":    func(d, u string) error { return lan.DeleteUser(ctx, u+"@"+d) },
		"quota":  func(d, u string) error { return lan.SetQuota(ctx, u+"@"+d, "*:storage=1k") },
		"alias":  func(d, u string) error { return lan.SetAlias(ctx, u+"@"+d, "lan@an.example") },
		"all":    func(d, _ string) error { return lan.SetAlias(ctx, "@"+d, "lan@an.example") },
		"to all": func(d, _ string) error { return lan.SetAlias(ctx, "@an.example", "@"+d) },
		"unalias": func(d, u string) error {
			return lan.DeleteAlias(ctx, strings.Replace(u, "minh", "info", 1)+"@"+d)
		},
		"users":   func(d, _ string) error { _, err := lan.UsersOf(ctx, d); return err },
		"aliases": func(d, _ string) error { _, err := lan.AliasesOf(ctx, d); return err },
		"domain":  func(d, _ string) error { _, err := lan.DomainsOf(ctx, d); return err },
	}
	for name, do := range try {
		want := "permission denied: lan@an.example does not administer %s"
		if name == "to all" { // seller@an.example is above him, and gets mail there
			want = "permission denied: seller@an.example administers other domains, too"
		}
		for _, d := range []string{"binh.example", "BINH.example", "none.example", "x.an.example", "a.far.example"} {
			for _, u := range []string{"minh", "nobody"} {
				err := do(d, u)
				require.ErrorIs(t, err, admin.ErrDenied, name)
				if strings.Contains(want, "%s") {
					require.EqualError(t, err, fmt.Sprintf(want, strings.ToLower(d)), name)
				} else {
					require.EqualError(t, err, want, name)
				}
			}
		}
	}
	for name, err := range map[string]error{
		"add": lan.AddDomain(ctx, "new.example", ""), "del": lan.DeleteDomain(ctx, "shop.example"), "quota": lan.SetDomainQuota(ctx, "an.example", "*:storage=1T"),
		"own": lan.SetAdmin(ctx, "lan@an.example", "binh.example", true), "other": lan.SetAdmin(ctx, "seller@an.example", "an.example", false),
	} {
		require.EqualError(t, err, "permission denied: domains and their limits are the operator's", name)
	}
	// Who has more rights than he is not his to take over, though he is in his domain: neither by password, nor by name, nor by mail.
	for name, err := range map[string]error{
		"passwd": lan.SetPassword(ctx, "seller@an.example", "x"), "del": lan.DeleteUser(ctx, "seller@an.example"), "alias": lan.SetAlias(ctx, "seller@an.example", "lan@an.example"),
		"catch-all": lan.SetAlias(ctx, "@an.example", "lan@an.example"), "add": lan.AddUser(ctx, "root@an.example", "x"),
	} {
		require.ErrorIs(t, err, admin.ErrDenied, name)
	}
	for _, nobody := range []string{"hoa@an.example", "minh@binh.example", "none@none.example"} {
		_, err := s.As(ctx, nobody)
		require.EqualError(t, err, "permission denied: "+nobody+" administers no domain")
	}
	for name, text := range files {
		require.Equal(t, text, s.read(name))
	}
	require.Len(t, s.log, 8*10+5+5+3, "all of it is in the log, but for who only looks")
}

// What is given as a name, an address or a rule can't be more than that.
func TestWords(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	op := s.Operator()
	for _, user := range []string{"", "x", "a\nb@an.example", "#a@an.example", "a:b@an.example", "a b@an.example", "../a@an.example", "a@../b", "@an.example", "a@"} {
		if user == "x" {
			continue // x@an.example
		}
		require.Error(t, op.AddUser(ctx, user, "secret"), user)
	}
	for _, to := range [][]string{nil, {""}, {"root"}, {"|rm"}, {"/etc/passwd"}, {":include:/etc/passwd"}, {"a@b, c"}, {"a@b\nx@an.example y"}, {"\"|x\"@an.example"}, {"a @b"}, {"<a@b>"}} {
		require.Error(t, op.SetAlias(ctx, "x@an.example", to...), "%q", to)
	}
	for _, address := range []string{"", "#x@an.example", "a b@an.example", "a\nb@an.example", "@", "x@y@", "\"x@an.example"} {
		require.Error(t, op.SetAlias(ctx, address, "lan@an.example"), "%q", address)
	}
	for _, domain := range []string{"", "a b", "a..b", ".a", "#a.example", "a/b", "a\nb", "a@b", "-a.example", strings.Repeat("a", 64)} {
		require.Error(t, op.AddDomain(ctx, domain, ""), "%q", domain)
		require.Error(t, op.SetDomainQuota(ctx, domain, "*:storage=1M"), "%q", domain)
	}
	require.Error(t, op.AddDomain(ctx, "new.example", "a\nb c"))
	require.ErrorContains(t, op.SetQuota(ctx, "lan@an.example", "*:mailboxes=3"), "no limit")
	require.ErrorContains(t, op.AddUser(ctx, "a@b.far.example", "secret"), "no domain with mailboxes here")
	require.ErrorContains(t, op.SetAlias(ctx, "a@b.far.example", "lan@an.example"), "no domain of this server")
	for name, text := range files {
		require.Equal(t, text, s.read(name))
	}
}

// The operator makes a domain, gives it away, and takes it back.
func TestOperator(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	op := s.Operator()
	require.NoError(t, op.AddDomain(ctx, "New.example", "1004"))
	require.ErrorContains(t, op.AddDomain(ctx, "new.example", ""), "there is a domain new.example")
	require.NoError(t, op.SetDomainQuota(ctx, "new.example", "*:storage=5M:mailboxes=1"))
	require.NoError(t, op.SetAdmin(ctx, "hoa@an.example", "new.example", true))
	require.NoError(t, op.SetAdmin(ctx, "lan@an.example", "NEW.example", true))
	require.Contains(t, s.read("admins"), "lan@an.example an.example, shop.example, new.example\n")
	require.NoError(t, op.SetAdmin(ctx, "lan@an.example", "an.example", false))
	require.NoError(t, op.AddUser(ctx, "u@new.example", "x"))
	require.NoError(t, op.SetAlias(ctx, "a@new.example", "u@new.example"))
	require.NoError(t, op.SetQuota(ctx, "u@new.example", "*:storage=1T"), "an operator may give more than there is")
	require.ErrorContains(t, op.DeleteDomain(ctx, "new.example"), "new.example has 1 users")
	require.NoError(t, op.DeleteUser(ctx, "u@new.example"))
	require.NoError(t, op.DeleteDomain(ctx, "new.example"))
	require.NoError(t, op.SetAdmin(ctx, "hoa@an.example", "new.example", false))
	for _, name := range []string{"users", "aliases", "domains", "quotas"} {
		require.Equal(t, files[name], s.read(name))
	}
	require.Equal(t, "lan@an.example shop.example, new.example\nseller@an.example an.example, binh.example\nroot@an.example ALL\n", s.read("admins"))
	names, err := s.as("root@an.example").Names(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"an.example", "binh.example", "shop.example"}, names)

	s.Named = []string{"an.example", "named.example"}
	names, err = op.Names(ctx)
	require.NoError(t, err)
	require.Subset(t, names, []string{"an.example", "named.example", "binh.example"}, "those of the table, too")
	require.Len(t, names, len(slices.Compact(slices.Sorted(slices.Values(names)))))

	s.Aliases, s.Users = "", ""
	require.ErrorContains(t, op.SetAlias(ctx, "a@an.example", "lan@an.example"), "aliases are in no file that this program could change")
	require.ErrorContains(t, op.DeleteUser(ctx, "lan@an.example"), "users are in no file")
}

// A domain's limit holds, however many are made at once.
func TestLimitAtOnce(t *testing.T) {
	s, ctx := newSite(t), t.Context()
	var wg sync.WaitGroup
	s.Log = nil
	for i := range 12 {
		wg.Go(func() { _ = s.as("lan@an.example").SetAlias(ctx, fmt.Sprintf("a%d@an.example", i), "lan@an.example") })
	}
	wg.Wait()
	got, err := s.Operator().AliasesOf(ctx, "an.example")
	require.NoError(t, err)
	require.Len(t, got, 2)
}
