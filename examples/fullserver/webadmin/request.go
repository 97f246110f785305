package webadmin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/queue"
)

// request is one that is being answered.
type request struct {
	*Site
	w    http.ResponseWriter
	r    *http.Request
	ctx  context.Context
	lang i18n.Lang
	zone *time.Location
	sess *session.Session // nil when nobody is signed in
	who  *admin.Actor     // that of sess
}

// failure is an error that is shown.
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
	denied     = &failure{status: http.StatusForbidden, key: "error.denied"}
	tooLarge   = &failure{status: http.StatusRequestEntityTooLarge, key: "error.large"}
	unproved   = &failure{status: http.StatusForbidden, key: "error.proof"}
)

// How much a request may have, and how long it may take.
const (
	formSize   = 256 << 10
	uploadSize = 16 << 20
	patience   = time.Minute
)

func (s *Site) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(2 * patience)) // what isn't a connection has none
		q := &request{Site: s, w: w, r: r, ctx: ctx, lang: i18n.Match(r.Header.Get("Accept-Language")), zone: time.UTC}
		if c, err := r.Cookie("walang"); err == nil {
			if l := i18n.Lang(c.Value); slices.Contains(i18n.Langs(), l) {
				q.lang = l
			}
		}
		if z, err := time.LoadLocation(q.lang.Zone()); err == nil {
			q.zone = z
		}
		_ = control.SetReadDeadline(time.Now().Add(patience))
		if err := q.serve(rt); err != nil {
			q.fail(err)
		}
	})
}

func (q *request) serve(rt route) error {
	if err := q.signedIn(); err != nil {
		return err
	}
	if rt.method == "POST" {
		most := int64(formSize)
		if rt.upload {
			most = uploadSize
		}
		q.r.Body = http.MaxBytesReader(q.w, q.r.Body, most)
		if err := q.parseForm(rt.upload); err != nil {
			return err
		}
		if q.r.MultipartForm != nil {
			defer q.r.MultipartForm.RemoveAll()
		}
	}
	if q.sess == nil && !rt.public {
		if q.r.Method == "GET" || q.r.Method == "HEAD" {
			return q.redirect("/admin/login?next=" + url.QueryEscape(q.r.URL.RequestURI()))
		}
		return &failure{status: http.StatusUnauthorized, key: "login.expired"}
	}
	if rt.method == "POST" && !rt.public && !web.ValidToken(q.sess.Key("form"), q.r.PostFormValue("token")) {
		return badToken
	}
	if rt.all && !q.who.All() {
		return denied
	}
	return rt.handle(q)
}

// signedIn finds the session, and what its user may do by now: whoever is no administrator any more, can't log in any more or has another password is signed out.
func (q *request) signedIn() error {
	c, err := q.r.Cookie(q.front.CookieName(q.r, "wa"))
	if err != nil {
		return nil
	}
	sess := q.sessions.Lookup(c.Value, q.remote(), true)
	if sess == nil {
		return nil
	}
	who, version, err := q.administrator(sess.User)
	switch {
	case errors.Is(err, admin.ErrDenied) || err == nil && version != sess.Secret:
		q.forget(sess)
		return nil
	case err != nil:
		return err
	}
	q.sess, q.who = sess, who.From(q.remote())
	return nil
}

// administrator returns what somebody may do, and the version of his line.
func (q *request) administrator(user string) (who *admin.Actor, version string, err error) {
	u, err := q.cfg.Admin.Quotas.Users.Lookup(q.ctx, user)
	if err != nil {
		return nil, "", err
	}
	if u == nil || u.Disabled() {
		return nil, "", admin.ErrDenied
	}
	if who, err = q.cfg.Admin.As(q.ctx, user); err != nil {
		return nil, "", err
	}
	version, err = q.cfg.Admin.Operator().UserVersion(q.ctx, user)
	return who, version, err
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

func (q *request) remote() string { return q.front.Remote(q.r) }

// form is a field of the form that was sent, arg one of the address.
func (q *request) form(name string) string { return q.r.PostFormValue(name) }
func (q *request) arg(name string) string  { return q.r.URL.Query().Get(name) }

// failureOf is what somebody is told of an error.
func (q *request) failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	for _, known := range []struct {
		err    error
		status int
		key    string
	}{
		{admin.ErrDenied, http.StatusForbidden, "error.denied"}, {admin.ErrChanged, http.StatusConflict, "error.changed"},
		{passwdfile.ErrExists, http.StatusConflict, "error.exists"}, {passwdfile.ErrNoUser, http.StatusNotFound, "error.nouser"},
		{lookup.ErrNoEntry, http.StatusNotFound, "error.noentry"}, {queue.ErrNotFound, http.StatusNotFound, "error.noqueued"},
		{context.DeadlineExceeded, http.StatusGatewayTimeout, "error.slow"},
	} {
		if errors.Is(err, known.err) {
			return &failure{status: known.status, key: known.key}
		}
	}
	return &failure{status: http.StatusUnprocessableEntity, key: "error.why", args: []any{clean(err.Error())}}
}

func (q *request) fail(err error) {
	f := q.failureOf(err)
	if f.key == "error.why" {
		q.cfg.Log.Info("webadmin", "path", q.r.URL.Path, "err", err)
	}
	p := q.page("error.title")
	p.Notice, p.Bad = q.T(f.key, f.args...), true
	if err := q.render(f.status, "error", p, nil); err != nil {
		q.cfg.Log.Error("webadmin", "template", "error", "err", err)
		http.Error(q.w, "500", http.StatusInternalServerError)
	}
}

func (q *request) redirect(to string) error {
	http.Redirect(q.w, q.r, to, http.StatusSeeOther)
	return nil
}

// done goes to a page that says what was done.
func (q *request) done(to, what string) error {
	return q.redirect(web.AddQuery(to, "done", what))
}

func (q *request) language() error {
	value := q.form("lang")
	if !slices.Contains(i18n.Langs(), i18n.Lang(value)) {
		return badRequest
	}
	http.SetCookie(q.w, &http.Cookie{Name: "walang", Value: value, Path: "/admin/", HttpOnly: true, Secure: q.front.Secure(q.r), SameSite: http.SameSiteLaxMode, MaxAge: 365 * 86400})
	return q.redirect(web.LocalPath(q.form("next"), "/admin/"))
}
