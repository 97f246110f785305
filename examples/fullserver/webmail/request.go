package webmail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/prefs"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// request is one that is being answered.
type request struct {
	*Site
	w     http.ResponseWriter
	r     *http.Request
	ctx   context.Context
	lang  i18n.Lang
	zone  *time.Location
	sess  *session.Session // nil when nobody is signed in
	acc   *account         // that of sess
	prefs prefs.Prefs
}

// failure is an error that is shown to the user.
type failure struct {
	status int
	key    string // of the text
	args   []any
}

func (f *failure) Error() string { return fmt.Sprint(f.key, f.args) }

// What goes wrong often.
var (
	notFound   = &failure{status: http.StatusNotFound, key: "error.notfound"}
	badRequest = &failure{status: http.StatusBadRequest, key: "error.bad"}
	badToken   = &failure{status: http.StatusForbidden, key: "error.token"}
	changed    = &failure{status: http.StatusConflict, key: "error.changed"}
	tooLarge   = &failure{status: http.StatusRequestEntityTooLarge, key: "error.large"}
)

// formSize is how much a form without files may have: a long mail fits.
const formSize = 4 << 20

// serve answers requests for a route.
func (s *Site) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(patience(true))) // what isn't a connection has none
		q := &request{Site: s, w: w, r: r, ctx: ctx, lang: i18n.Match(r.Header.Get("Accept-Language")), zone: time.UTC}
		if err := q.serve(rt); err != nil {
			q.fail(err)
		}
	})
}

// patience is how long a form may take to come, or a file to go.
func patience(files bool) time.Duration {
	if files {
		return 30 * time.Minute
	}
	return time.Minute
}

func (q *request) serve(rt route) error {
	if c, err := q.r.Cookie(q.cookieName("wm")); err == nil {
		q.sess = q.sessions.Lookup(c.Value, q.remote(), !rt.stream && q.r.Header.Get("X-Live") == "")
	}
	if rt.method == "POST" {
		most := int64(formSize)
		if rt.upload {
			most += q.limits.Upload
		}
		q.r.Body = http.MaxBytesReader(q.w, q.r.Body, most)
		control := http.NewResponseController(q.w)
		_ = control.SetReadDeadline(time.Now().Add(patience(rt.upload)))
		if err := q.parseForm(rt.upload); err != nil {
			return err
		}
		_ = control.SetReadDeadline(time.Time{})
		if q.r.MultipartForm != nil {
			defer q.r.MultipartForm.RemoveAll()
		}
	}
	limit := q.limits.Request
	switch {
	case rt.long:
		limit = patience(true)
	case rt.stream:
		limit = 24 * time.Hour
	}
	ctx, cancel := context.WithTimeout(q.ctx, limit)
	defer cancel()
	q.ctx = ctx
	if q.sess != nil {
		q.acc = q.accounts.get(q.sess.User, q.sess.Secret)
		defer q.acc.release()
		q.loadPrefs()
	}
	q.setZone()
	if q.sess == nil && !rt.public {
		return q.signedOut()
	}
	if rt.method == "POST" && q.sess != nil && !rt.public && !web.ValidToken(q.sess.Key("form"), q.r.PostFormValue("token")) {
		return badToken
	}
	return rt.handle(q)
}

func (q *request) parseForm(upload bool) error {
	err := web.ParseForm(q.r, upload)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge
	case err != nil:
		return badRequest
	}
	return nil
}

func (q *request) remote() string { return q.front().Remote(q.r) }

// failureOf is what the user is told of an error. What servers said is logged; of it he sees what he can do something about.
func (q *request) failureOf(err error) *failure {
	f, ok := errors.AsType[*failure](err)
	switch {
	case ok:
		return f
	case errors.Is(err, mail.ErrAuthFailed):
		f = &failure{status: http.StatusUnauthorized, key: "error.password"}
	case errors.Is(err, mail.ErrExpunged):
		f = &failure{status: http.StatusNotFound, key: "error.gone"}
	case imapclient.CodeOf(err) == imap.CodeNonExistent:
		f = &failure{status: http.StatusNotFound, key: "error.nofolder"}
	case imapclient.Refused(err):
		f = &failure{status: http.StatusConflict, key: "error.refused", args: []any{serverText(err)}}
	default:
		f = &failure{status: http.StatusBadGateway, key: "error.server"}
	}
	q.cfg.Log.Warn("webmail", "path", q.r.URL.Path, "status", f.status, "err", err)
	return f
}

// fail shows an error.
func (q *request) fail(err error) {
	f := q.failureOf(err)
	if f.status == http.StatusUnauthorized && q.sess != nil {
		// The password has changed, or the account is gone: the session has nothing to read mail with any more.
		_ = q.sessions.End(q.sess)
		q.sess = nil
	}
	q.showFailure(f)
}

func (q *request) redirect(to string) error {
	http.Redirect(q.w, q.r, to, http.StatusSeeOther)
	return nil
}

// signedOut sends to the log-in page. What somebody has written is shown, not lost.
func (q *request) signedOut() error {
	if q.r.Method == "GET" || q.r.Method == "HEAD" {
		return q.redirect("/login?next=" + url.QueryEscape(q.r.URL.RequestURI()))
	}
	p := q.page("login.title")
	p.Notice = q.T("login.expired")
	d := loginData{page: p, Token: q.preToken()}
	if text := q.r.PostFormValue("body"); text != "" {
		d.Rescued = text
	}
	return q.render(http.StatusUnauthorized, "login", d)
}

// serverText is what the IMAP server said of a command that it refused.
func serverText(err error) string {
	if s, ok := errors.AsType[*imap.Status](err); ok {
		return clean(s.Text, 300)
	}
	return ""
}
