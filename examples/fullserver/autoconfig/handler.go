package autoconfig

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// The paths, which Outlook writes in any case.
const (
	ThunderbirdPath          = "/mail/config-v1.1.xml"
	ThunderbirdWellKnownPath = "/.well-known/autoconfig/mail/config-v1.1.xml"
	OutlookPath              = "/autodiscover/autodiscover.xml"
	ApplePath                = "/email.mobileconfig"
)

// Handler answers mail programs. Its fields aren't changed while it serves.
type Handler struct {
	// Site returns what is told now.
	Site func() *Site
	// Hosts reports whether users of a domain, in ASCII and small letters, have their mail here. An error is answered as 503.
	Hosts func(ctx context.Context, domain string) (bool, error)
	// Secure is where this is served over TLS, "https://mail.example.org", for programs that ask over plain HTTP where to ask ("http redirect"
	// of autodiscover); "" for nowhere.
	Secure string
	// Now is the time; nil: time.Now.
	Now func() time.Time
}

// Before returns a handler that answers mail programs and leaves all other requests to next.
func (h *Handler) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer func(http.ResponseWriter, *http.Request)
		switch strings.ToLower(r.URL.Path) {
		case ThunderbirdPath, ThunderbirdWellKnownPath:
			answer = h.get(h.thunderbird)
		case OutlookPath:
			answer = h.outlook
		case ApplePath:
			answer = h.get(h.apple)
		default:
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		answer(w, r)
	})
}

func (h *Handler) get(f func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		f(w, r)
	}
}

// errNotHere is what is said of every domain whose mail isn't here, and of what is no domain.
var errNotHere = errors.New("no mail of this domain here")

// find finds out whom a request is about. The address is empty where only the domain is known.
func (h *Handler) find(ctx context.Context, address, host string) (site *Site, local, domain string, err error) {
	if address != "" {
		at := strings.LastIndexByte(address, '@')
		if at < 1 || len(address) > 254 || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, "", "", errNotHere
		}
		local, domain = address[:at], address[at+1:]
	} else {
		domain, _, err = net.SplitHostPort(host)
		if err != nil {
			domain = host
		}
		domain = strings.ToLower(domain)
		for _, prefix := range []string{"autoconfig.", "autodiscover."} {
			domain = strings.TrimPrefix(domain, prefix)
		}
	}
	if domain, err = idna.Lookup.ToASCII(domain); err != nil || domain == "" || net.ParseIP(domain) != nil {
		return nil, "", "", errNotHere
	}
	site = h.Site()
	if !site.usable() {
		return nil, "", "", errNotHere
	}
	switch ok, err := h.Hosts(ctx, domain); {
	case err != nil:
		return nil, "", "", err
	case !ok:
		return nil, "", "", errNotHere
	}
	return site, local, domain, nil
}

// refuse answers a GET that find had no answer for.
func refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, errNotHere) {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	http.Error(w, "try again later", http.StatusServiceUnavailable)
}

// asked returns the address of a request: mail programs name the parameter differently.
func asked(r *http.Request) string {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "@" // which is nobody's
	}
	for _, name := range []string{"emailaddress", "email"} {
		if v := q.Get(name); v != "" {
			return v
		}
	}
	return ""
}
