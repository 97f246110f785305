package webadmin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webadmin"
)

// action is a form that changes something in a domain.
type action struct {
	path   string
	fields func(domain string) []string
	all    bool // for those alone who administer all domains
}

func f(fields ...string) func(string) []string {
	return func(domain string) []string {
		out := make([]string, len(fields))
		for i, s := range fields {
			out[i] = strings.ReplaceAll(s, "DOMAIN", domain)
		}
		return out
	}
}

// actions are all there are, but for those with mail that waits, which TestQueue tries.
var actions = []action{
	{path: "/admin/user/add", fields: f("name", "new@DOMAIN", "password", "longenough", "again", "longenough")},
	{path: "/admin/user/password", fields: f("name", "new@DOMAIN", "password", "longenough2", "again", "longenough2")},
	{path: "/admin/user/quota", fields: f("name", "new@DOMAIN", "quota", "*:storage=1M")},
	{path: "/admin/user/disable", fields: f("name", "new@DOMAIN", "sure", "yes")},
	{path: "/admin/user/enable", fields: f("name", "new@DOMAIN")},
	{path: "/admin/user/delete", fields: f("name", "new@DOMAIN", "sure", "yes")},
	{path: "/admin/alias/set", fields: f("address", "sales@DOMAIN", "to", "x@far.example\r\ny@far.example")},
	{path: "/admin/alias/delete", fields: f("address", "sales@DOMAIN", "sure", "yes")},
	{path: "/admin/unbar", fields: f("kind", "account", "name", "new@DOMAIN")},
	{path: "/admin/domain/quota", fields: f("name", "DOMAIN", "quota", "*:storage=5G"), all: true},
	{path: "/admin/domain/grant", fields: f("name", "DOMAIN", "user", "hoa@an.example", "sure", "yes"), all: true},
	{path: "/admin/domain/revoke", fields: f("name", "DOMAIN", "user", "hoa@an.example", "sure", "yes"), all: true},
	{path: "/admin/domain/add", fields: f("name", "new.DOMAIN"), all: true},
	{path: "/admin/domain/delete", fields: f("name", "new.DOMAIN", "sure", "yes"), all: true},
	{path: "/admin/unbar", fields: f("kind", "address", "name", "192.0.2.1"), all: true},
}

// views show something of a domain.
var views = []string{"/admin/users?domain=DOMAIN", "/admin/users.csv?domain=DOMAIN", "/admin/user?name=info@DOMAIN", "/admin/aliases?domain=DOMAIN", "/admin/alias?address=info@DOMAIN",
	"/admin/domain?name=DOMAIN", "/admin/dns?domain=DOMAIN", "/admin/dns.zone?domain=DOMAIN"}

// Every action and every page for every role and domain: whoever may not, changes nothing, and sees nothing.
func TestRoles(t *testing.T) {
	s := newFixture(t)
	domains := []string{"an.example", "binh.example"}
	for _, role := range []struct {
		user string
		own  string // domain; "ALL", "" for none
	}{{"", ""}, {"lan@an.example", "an.example"}, {"minh@binh.example", "binh.example"}, {"root@an.example", "ALL"}} {
		s.http = s.browser()
		s.get("/admin/login")
		if role.user != "" {
			s.login(role.user)
		}
		home := s.page
		for _, d := range domains {
			may := role.own == "ALL" || role.own == d
			for _, a := range actions {
				s.page = home
				s.post(a.path, a.fields(d)...)
				where := role.user + " " + a.path + " " + d
				switch {
				case role.user == "":
					require.Equal(t, http.StatusUnauthorized, s.code, where)
				case may && (!a.all || role.own == "ALL"):
					require.Equal(t, http.StatusOK, s.code, where+"\n"+s.page)
				default:
					require.Equal(t, http.StatusForbidden, s.code, where)
					s.unchanged(where)
				}
			}
			if may {
				s.write("quotas", files["quotas"])
				s.unchanged(role.user + ": what was done was undone")
			}
			for _, v := range views {
				s.get(strings.ReplaceAll(v, "DOMAIN", d))
				where := role.user + " " + v + " " + d
				switch {
				case role.user == "":
					require.Contains(t, s.url, "/admin/login", where)
				case may && strings.HasPrefix(v, "/admin/user?"): // there is no user info
					require.Equal(t, http.StatusNotFound, s.code, where)
				case may:
					require.Equal(t, http.StatusOK, s.code, where)
				default:
					require.Equal(t, http.StatusForbidden, s.code, where)
					require.NotContains(t, s.page, "info@"+d+"</", where)
				}
			}
		}
		for _, rt := range webadmin.Routes() {
			if rt.Method != "GET" || rt.Public || !rt.All || role.user == "" {
				continue
			}
			s.get(rt.Path)
			want := http.StatusForbidden
			if role.own == "ALL" {
				want = http.StatusOK
			}
			require.Equal(t, want, s.code, role.user+" "+rt.Path)
		}
	}
	log := s.read("mail.log")
	require.Regexp(t, `fullserver/admin\[\d+\]: lan@an\.example from 127\.0\.0\.1: user add new@an\.example\n`, log)
	require.Regexp(t, `fullserver/admin\[\d+\]: lan@an\.example from 127\.0\.0\.1: refused: user add new@binh\.example: permission denied: `, log)
	require.NotContains(t, log, "longenough")
	require.NotContains(t, log, "secret")

	// Who administers nothing is not let in, and who is taken off the list is out at once.
	s.http = s.browser()
	s.get("/admin/login")
	s.post("/admin/login", "user", "hoa@an.example", "password", "hoasecret")
	require.Equal(t, http.StatusForbidden, s.code)
	s.login("root@an.example")
	root := s.http
	s.login("lan@an.example")
	lan := s.http
	s.http = root
	s.get("/admin/domain?name=an.example")
	s.post("/admin/domain/revoke", "name", "an.example", "user", "lan@an.example", "sure", "yes")
	require.Equal(t, http.StatusOK, s.code, s.page)
	s.http = lan
	s.get("/admin/users")
	require.Contains(t, s.url, "/admin/login")
}

// Every route has the headers; every form needs its token, and comes from here; what is read changes nothing.
func TestWalls(t *testing.T) {
	s := newFixture(t)
	s.login("root@an.example")
	home := s.page
	for _, rt := range webadmin.Routes() {
		path := strings.NewReplacer("{$}", "", "{do}", "add", "{id}", "NOSUCH1").Replace(rt.Path)
		if rt.Method == "GET" {
			s.get(path)
			require.Less(t, s.code, 500, path)
			require.Contains(t, s.head.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'", path)
			require.Equal(t, []string{"nosniff", "DENY", "no-store", "no-referrer"}, []string{s.head.Get("X-Content-Type-Options"), s.head.Get("X-Frame-Options"), s.head.Get("Cache-Control"), s.head.Get("Referrer-Policy")}, path)
			require.NotContains(t, s.page, "<script", path)
			require.NotContains(t, s.page, " style=", path)
			continue
		}
		s.page = ""
		s.post(path, "name", "x@an.example", "lang", "vi")
		if rt.Path != "/admin/lang" {
			require.Equal(t, http.StatusForbidden, s.code, path)
		}
		s.page = home
		req, err := http.NewRequest("POST", s.base+path, strings.NewReader(url.Values{"token": {tokenForm.FindStringSubmatch(home)[1]}}.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		s.do(req)
		require.Equal(t, http.StatusForbidden, s.code, path)
		req.Method, req.Body = "GET", nil
		req.Header.Del("Sec-Fetch-Site")
	}
	s.unchanged("walking about")
	for _, c := range s.http.Jar.Cookies(mustURL(s.base + "/admin/")) {
		require.NotContains(t, s.read("mail.log"), c.Value)
	}
	s.get("/")
	require.Equal(t, "/admin/", s.url, "an address of its own begins there")
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
