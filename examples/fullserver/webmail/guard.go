package webmail

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// pageCSP is what our own pages may do: nothing that isn't served by this site, no script or style within a page, and only
// the one policy of static/app.js may make HTML out of strings.
const pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types wm"

// guard puts before every page what holds for all of them: the headers, no plain HTTP but on this machine, no requests that other sites
// have made with the user's cookie.
func (s *Site) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "403: this request came from another site", http.StatusForbidden)
	}))
	next = cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pageCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
		h.Set("X-DNS-Prefetch-Control", "off")
		h.Set("Cache-Control", "no-store")
		if s.secure(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		} else if !onLoopback(r) {
			http.Error(w, "403: webmail needs HTTPS", http.StatusForbidden)
			return
		}
		if !plainHost(r.Host) {
			http.Error(w, "400: bad Host", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure reports whether the browser's connection is encrypted.
func (s *Site) secure(r *http.Request) bool { return r.TLS != nil || s.cfg.BehindTLS }

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

// newToken makes a token that a form shows to prove that this site has made it, for whoever has the key. Each is another, so that
// compressing a page tells nothing about it.
func newToken(key []byte) string {
	var pad [12]byte
	rand.Read(pad[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(append(pad[:], tokenSum(key, pad[:])...))
}

func tokenSum(key, pad []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(pad)
	return m.Sum(nil)[:18]
}

func validToken(key []byte, token string) bool {
	b, err := base64.RawURLEncoding.DecodeString(token)
	return err == nil && len(b) == 30 && hmac.Equal(b[12:], tokenSum(key, b[:12]))
}

// mark signs a reference in a link, so that a link from a mail can't have made it.
func mark(key []byte, ref string) string {
	return base64.RawURLEncoding.EncodeToString(tokenSum(key, []byte(ref)))
}
