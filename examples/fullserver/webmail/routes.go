package webmail

import "net/http"

// route is a page or an action.
type route struct {
	method, path string
	handle       func(*request) error
	public       bool // for who is not signed in, too
	upload       bool // takes files
	long         bool // sends files
	stream       bool // goes on until the page is closed, and is no use of the session
}

// routes are all there are, but for the files of /static/.
func routes() []route {
	return []route{
		{method: "GET", path: "/{$}", handle: (*request).home},
		{method: "GET", path: "/login", handle: (*request).loginPage, public: true},
		{method: "POST", path: "/login", handle: (*request).login, public: true},
		{method: "POST", path: "/logout", handle: (*request).logout},
		{method: "GET", path: "/mail/{folder}", handle: (*request).list},
		{method: "GET", path: "/mail/{folder}/{uid}", handle: (*request).read},
		{method: "GET", path: "/mail/{folder}/{uid}/body", handle: (*request).body},
		{method: "GET", path: "/mail/{folder}/{uid}/image", handle: (*request).picture},
		{method: "GET", path: "/mail/{folder}/{uid}/print", handle: (*request).print},
		{method: "GET", path: "/mail/{folder}/{uid}/part/{part}", handle: (*request).part, long: true},
		{method: "GET", path: "/mail/{folder}/{uid}/zip", handle: (*request).zipAll, long: true},
		{method: "GET", path: "/mail/{folder}/{uid}/source", handle: (*request).source, long: true},
		{method: "GET", path: "/mail/{folder}/{uid}/headers", handle: (*request).headers, long: true},
		{method: "GET", path: "/mail/{folder}/{uid}/eml", handle: (*request).eml, long: true},
		{method: "POST", path: "/mail/{folder}/act", handle: (*request).act},
		{method: "POST", path: "/mail/{folder}/{uid}/unsubscribe", handle: (*request).unsubscribe},
		{method: "POST", path: "/mail/{folder}/{uid}/key", handle: (*request).keepKey},
		{method: "POST", path: "/undo", handle: (*request).undo},
		{method: "POST", path: "/failures", handle: (*request).seenFailures},
		{method: "POST", path: "/trust", handle: (*request).trust},
		{method: "GET", path: "/compose", handle: (*request).composePage},
		{method: "POST", path: "/compose", handle: (*request).compose, upload: true},
		{method: "GET", path: "/contacts", handle: (*request).contactsPage},
		{method: "POST", path: "/contacts/import", handle: (*request).importContacts, upload: true},
		{method: "GET", path: "/contacts/{contact}", handle: (*request).contactPage},
		{method: "POST", path: "/contacts/{contact}", handle: (*request).saveContact, upload: true},
		{method: "POST", path: "/contacts/add", handle: (*request).addContact},
		{method: "GET", path: "/contacts/export", handle: (*request).exportContacts},
		{method: "GET", path: "/contacts/suggest", handle: (*request).suggest},
		{method: "GET", path: "/search", handle: (*request).search},
		{method: "GET", path: "/events", handle: (*request).events, stream: true},
		{method: "GET", path: "/keys", handle: (*request).keysPage},
		{method: "GET", path: "/folders", handle: (*request).foldersPage},
		{method: "POST", path: "/folders", handle: (*request).changeFolder},
		{method: "GET", path: "/settings", handle: (*request).settingsPage},
		{method: "POST", path: "/settings", handle: (*request).changeSettings},
		{method: "GET", path: "/fetch", handle: (*request).fetchPage},
		{method: "GET", path: "/fetch/{account}", handle: (*request).fetchAccountPage},
		{method: "POST", path: "/fetch/{account}", handle: (*request).changeFetch},
		{method: "GET", path: "/sessions", handle: (*request).sessionsPage},
		{method: "POST", path: "/sessions", handle: (*request).endSessions},
		{method: "GET", path: "/security/{what}", handle: (*request).securityPage},
		{method: "POST", path: "/security/code", handle: (*request).changeCode},
		{method: "POST", path: "/security/app", handle: (*request).changeApp},
	}
}

func (s *Site) mux() *http.ServeMux {
	m := http.NewServeMux()
	for _, rt := range routes() {
		m.Handle(rt.method+" "+rt.path, s.serve(rt))
	}
	m.Handle("GET /static/{hash}/{file}", s.assets)
	m.Handle("/", s.serve(route{method: "GET", public: true, handle: func(*request) error { return notFound }}))
	return m
}
