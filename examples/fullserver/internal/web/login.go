package web

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/web/session"
)

// loginForm is what the key of a log-in form's token is for.
const loginForm = "login form"

// LoginToken makes the token of a log-in form: it belongs to a cookie of its own, as nobody is signed in yet. Without it another site could sign its
// visitors in as somebody else.
func (g Guard) LoginToken(w http.ResponseWriter, r *http.Request, cookie string) string {
	value := ""
	if c, err := r.Cookie(g.CookieName(r, cookie)); err == nil {
		value = c.Value
	}
	key, ok := session.Derive(value, loginForm)
	if !ok {
		value = session.NewCookie()
		key, _ = session.Derive(value, loginForm)
		http.SetCookie(w, g.Cookie(r, cookie, value))
	}
	return NewToken(key)
}

// ValidLoginToken reports whether a log-in form has come back with the token that it got for the browser's cookie.
func (g Guard) ValidLoginToken(r *http.Request, cookie, token string) bool {
	c, err := r.Cookie(g.CookieName(r, cookie))
	if err != nil {
		return false
	}
	key, ok := session.Derive(c.Value, loginForm)
	return ok && ValidToken(key, token)
}

// Addr makes an address out of a browser's, without a port, for the guard that slows guessing down; nil for what is none.
func Addr(remote string) net.Addr {
	ip, err := netip.ParseAddr(remote)
	if err != nil {
		return nil
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))
}

// Seconds is how long somebody has to wait, in whole seconds that are long enough.
func Seconds(wait time.Duration) int { return int((wait + time.Second - 1) / time.Second) }
