// Package web is what this program's pages in browsers have in common: what stands before every page, tokens of forms, the files that pages load.
package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Guard is what stands before every page of a site.
type Guard struct {
	CSP       string // Content-Security-Policy of the site's own pages
	BehindTLS bool   // a proxy in front speaks TLS with browsers; without it plain HTTP is answered on loopback only
}

// Handler puts before every page what holds for all of them: the headers, no plain HTTP but on this machine, no requests that other sites
// have made with the user's cookie.
func (g Guard) Handler(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "403: this request came from another site", http.StatusForbidden)
	}))
	next = cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", g.CSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
		h.Set("X-DNS-Prefetch-Control", "off")
		h.Set("Cache-Control", "no-store")
		if g.Secure(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		} else if !onLoopback(r) {
			http.Error(w, "403: these pages need HTTPS", http.StatusForbidden)
			return
		}
		if !plainHost(r.Host) {
			http.Error(w, "400: bad Host", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Secure reports whether the browser's connection is encrypted.
func (g Guard) Secure(r *http.Request) bool { return r.TLS != nil || g.BehindTLS }

// Cookie makes one that the browser takes from this site alone, over TLS, and that no script sees; with an empty value it is forgotten.
func (g Guard) Cookie(r *http.Request, name, value string) *http.Cookie {
	c := &http.Cookie{Name: g.CookieName(r, name), Value: value, Path: "/", HttpOnly: true, Secure: g.Secure(r), SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// CookieName returns a cookie's name: over TLS one that the browser takes from this site alone.
func (g Guard) CookieName(r *http.Request, name string) string {
	if g.Secure(r) {
		return "__Host-" + name
	}
	return name
}

// Remote is the browser's address, without a port.
func (g Guard) Remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if g.BehindTLS {
		list := strings.Split(r.Header.Get("X-Forwarded-For"), ",") // the proxy has added the last one itself
		if ip := net.ParseIP(strings.TrimSpace(list[len(list)-1])); ip != nil {
			return ip.String()
		}
	}
	return host
}

// onLoopback reports whether both ends of the connection are on this machine, and the browser knows it: a name of another site that
// leads here is not answered.
func onLoopback(r *http.Request) bool {
	local := func(addr string) bool {
		ap, err := netip.ParseAddrPort(addr)
		return err == nil && ap.Addr().Unmap().IsLoopback()
	}
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return ok && local(a.String()) && local(r.RemoteAddr) && (host == "localhost" || err == nil && ip.IsLoopback())
}

// plainHost reports whether a Host can stand in a policy: nothing but a name or an address, and a port.
func plainHost(h string) bool {
	return h != "" && len(h) < 300 && strings.Trim(strings.ToLower(h), "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") == "" &&
		!strings.ContainsFunc(h, func(r rune) bool { return r > 0x7f || strings.ContainsRune("; ,'\"/\\@%", r) })
}

// LocalPath returns where a form wants to go on, if that is a page of this site, else otherwise.
func LocalPath(to, otherwise string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsFunc(to, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return otherwise
	}
	return to
}
