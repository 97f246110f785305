package webadmin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// errCodeWanted says nothing about the password to the guard: whoever has it must not be able to wipe out his wrong codes with it.
var errCodeWanted = errors.New("a code is wanted")

type loginData struct {
	Name, Next, Token string
	Code              bool // the password was right, and a code is wanted
}

// preCookie is what the token of the log-in form belongs to.
const preCookie = "wapre"

func (q *request) preToken() string { return q.front.LoginToken(q.w, q.r, preCookie) }

func (q *request) loginPage() error {
	if q.sess != nil {
		return q.redirect("/admin/")
	}
	return q.render(http.StatusOK, "login", q.page("login.title"), loginData{Token: q.preToken(), Next: web.LocalPath(q.arg("next"), "")})
}

func (q *request) login() error {
	if !q.front.ValidLoginToken(q.r, preCookie, q.form("token")) {
		return badToken
	}
	user := strings.TrimSpace(q.form("user"))
	name, err := q.verify(user, q.form("password"), q.form("code"))
	var who *admin.Actor
	version := ""
	if err == nil {
		who, version, err = q.administrator(name)
	}
	if err != nil {
		f := q.refusal(err)
		q.sess, q.who = nil, nil
		p := q.page("login.title")
		p.Notice, p.Bad = q.T(f.key, f.args...), true
		return q.render(f.status, "login", p, loginData{Name: user, Token: q.preToken(), Next: web.LocalPath(q.form("next"), ""), Code: errors.Is(err, errCodeWanted) || q.form("code") != ""})
	}
	if q.sess != nil {
		q.forget(q.sess)
	}
	cookie, err := q.sessions.Create(name, version, q.remote(), q.r.UserAgent())
	if err != nil {
		return err
	}
	if sess := q.sessions.Lookup(cookie, q.remote(), true); sess != nil {
		q.prove(sess)
	}
	who.From(q.remote()).Note("log in")
	http.SetCookie(q.w, q.front.Cookie(q.r, "wa", cookie))
	http.SetCookie(q.w, q.front.Cookie(q.r, preCookie, ""))
	return q.redirect(adminPath(q.form("next")))
}

// adminPath is where a form wants to go on, if that is a page of these.
func adminPath(next string) string {
	if next = web.LocalPath(next, "/admin/"); strings.HasPrefix(next, "/admin/") {
		return next
	}
	return "/admin/"
}

// refusal is what somebody is told who was not let in.
func (q *request) refusal(err error) *failure {
	if too, ok := errors.AsType[*mail.TooManyAttemptsError](err); ok {
		return &failure{http.StatusTooManyRequests, "login.wait", []any{web.Seconds(too.Wait)}}
	}
	switch {
	case errors.Is(err, errCodeWanted):
		return &failure{status: http.StatusUnauthorized, key: "login.code.wanted"}
	case errors.Is(err, mail.ErrAuthFailed):
		return &failure{status: http.StatusUnauthorized, key: "login.wrong"}
	case errors.Is(err, admin.ErrDenied):
		return &failure{status: http.StatusForbidden, key: "login.nobody"}
	}
	q.cfg.Log.Warn("webadmin: log-in", "err", err)
	return &failure{status: http.StatusServiceUnavailable, key: "login.down"}
}

// verify checks who somebody is, by his password and where he has one his code, and returns his name. The guard slows down who guesses either.
func (q *request) verify(user, password, code string) (name string, err error) {
	if user == "" || password == "" || len(user) > 320 || len(password) > passwdfile.MaxPassword || len(code) > 100 || strings.ContainsAny(user+password+code, "\r\n\x00") {
		return "", mail.ErrAuthFailed
	}
	a := &mail.AuthRequest{Username: user, Password: password + "\x00" + code, Mechanism: "LOGIN", Service: "webadmin", Remote: web.Addr(q.remote()), Secured: true}
	ctx, cancel := context.WithTimeout(q.ctx, time.Second) // whom it would let wait is told how long
	defer cancel()
	settled, err := q.cfg.Guard.Admit(ctx, a) // each code is a guess of its own
	if err != nil {
		return "", err
	}
	a.Password = password
	defer func() { settled(err) }()
	id, err := q.cfg.Auth.Authenticate(accounts.AsksForCode(q.ctx), a)
	if err != nil {
		return "", err
	}
	name, err = passwdfile.Canonical(user, q.cfg.Admin.MyDomain)
	if err != nil || name != strings.ToLower(id.AccountName()) { // a master user who would be another
		return "", mail.ErrAuthFailed
	}
	if q.cfg.Second == nil {
		return name, nil
	}
	switch wanted, err := q.cfg.Second.Wanted(q.ctx, name); {
	case err != nil || !wanted:
		return name, err
	case strings.TrimSpace(code) == "":
		return "", errCodeWanted
	}
	return name, q.cfg.Second.Verify(q.ctx, name, code)
}

func (q *request) logout() error {
	q.forget(q.sess)
	http.SetCookie(q.w, q.front.Cookie(q.r, "wa", ""))
	return q.redirect("/admin/login")
}

func (s *Site) forget(sess *session.Session) {
	_ = s.sessions.End(sess) // they are in memory
	s.mu.Lock()
	delete(s.proved, sess.ID)
	s.mu.Unlock()
}

// prove notes that a session's user has shown who he is.
func (s *Site) prove(sess *session.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for id, at := range s.proved {
		if now.Sub(at) > proof {
			delete(s.proved, id)
		}
	}
	s.proved[sess.ID] = now
}

// stale reports whether the user has to give his password again before something that can't be taken back.
func (q *request) stale() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at, ok := q.proved[q.sess.ID]
	return !ok || q.cfg.Now().Sub(at) > proof
}

// coded reports whether the user has to give a code with his password.
func (q *request) coded() bool {
	if q.cfg.Second == nil {
		return false
	}
	wanted, err := q.cfg.Second.Wanted(q.ctx, q.sess.User)
	return wanted || err != nil
}

// proveAgain lets something happen that can't be taken back: where the password was given long ago the form has it again.
func (q *request) proveAgain() error {
	if !q.stale() {
		return nil
	}
	if q.form("proof") == "" {
		return unproved
	}
	if _, err := q.verify(q.sess.User, q.form("proof"), q.form("code")); err != nil {
		f := q.refusal(err)
		f.status = http.StatusForbidden
		return f
	}
	q.prove(q.sess)
	return nil
}
