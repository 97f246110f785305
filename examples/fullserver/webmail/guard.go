package webmail

import (
	"net/http"

	"github.com/buuta/mail/examples/fullserver/internal/web"
)

// pageCSP is what our own pages may do: nothing that isn't served by this site, no script or style within a page, and only
// the one policy of static/app.js may make HTML out of strings.
const pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types wm"

func (s *Site) front() web.Guard { return web.Guard{CSP: pageCSP, BehindTLS: s.cfg.BehindTLS} }

// guard puts before every page what holds for all of them.
func (s *Site) guard(next http.Handler) http.Handler { return s.front().Handler(next) }

// secure reports whether the browser's connection is encrypted.
func (s *Site) secure(r *http.Request) bool { return s.front().Secure(r) }
