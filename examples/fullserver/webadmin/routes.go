package webadmin

import "net/http"

// route is a page or an action.
type route struct {
	method, path string
	handle       func(*request) error
	public       bool // for who is not signed in, too
	all          bool // for those alone who administer all domains
	upload       bool // takes a file
}

// routes are all there are, but for the files of /admin/static/.
func routes() []route {
	return []route{
		{method: "GET", path: "/admin/{$}", handle: (*request).overview},
		{method: "GET", path: "/admin/login", handle: (*request).loginPage, public: true},
		{method: "POST", path: "/admin/login", handle: (*request).login, public: true},
		{method: "POST", path: "/admin/logout", handle: (*request).logout},
		{method: "POST", path: "/admin/lang", handle: (*request).language, public: true},

		{method: "GET", path: "/admin/users", handle: (*request).usersPage},
		{method: "GET", path: "/admin/users.csv", handle: (*request).exportUsers},
		{method: "GET", path: "/admin/import", handle: (*request).importPage},
		{method: "POST", path: "/admin/import", handle: (*request).importUsers, upload: true},
		{method: "GET", path: "/admin/user", handle: (*request).userPage},
		{method: "POST", path: "/admin/user/{do}", handle: (*request).changeUser},
		{method: "GET", path: "/admin/aliases", handle: (*request).aliasesPage},
		{method: "GET", path: "/admin/alias", handle: (*request).aliasPage},
		{method: "POST", path: "/admin/alias/{do}", handle: (*request).changeAlias},
		{method: "GET", path: "/admin/domains", handle: (*request).domainsPage},
		{method: "GET", path: "/admin/domain", handle: (*request).domainPage},
		{method: "POST", path: "/admin/domain/{do}", handle: (*request).changeDomain, all: true},

		{method: "GET", path: "/admin/queue", handle: (*request).queuePage},
		{method: "POST", path: "/admin/queue", handle: (*request).changeQueue},
		{method: "GET", path: "/admin/queue/{id}", handle: (*request).queuedPage},
		{method: "GET", path: "/admin/trace", handle: (*request).tracePage},
		{method: "GET", path: "/admin/dns", handle: (*request).dnsPage},
		{method: "GET", path: "/admin/dns.zone", handle: (*request).zoneFile},
		{method: "GET", path: "/admin/logins", handle: (*request).loginsPage},
		{method: "POST", path: "/admin/unbar", handle: (*request).unbar},
		{method: "GET", path: "/admin/tls", handle: (*request).tlsPage, all: true},
		{method: "POST", path: "/admin/report", handle: (*request).showReport, all: true, upload: true},
		{method: "GET", path: "/admin/limits", handle: (*request).limitsPage, all: true},
	}
}

func (s *Site) mux() *http.ServeMux {
	m := http.NewServeMux()
	for _, rt := range routes() {
		m.Handle(rt.method+" "+rt.path, s.serve(rt))
	}
	m.Handle("GET /admin/static/{hash}/{file}", s.assets)
	m.Handle("GET /{$}", http.RedirectHandler("/admin/", http.StatusSeeOther)) // of an address of its own
	m.Handle("GET /admin", http.RedirectHandler("/admin/", http.StatusSeeOther))
	m.Handle("/", s.serve(route{method: "GET", public: true, handle: func(*request) error { return notFound }}))
	return m
}
