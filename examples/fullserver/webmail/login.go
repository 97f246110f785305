package webmail

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
)

// SecondFactor checks the codes of users who have one.
type SecondFactor interface {
	// Wanted reports whether a user has to give a code.
	Wanted(ctx context.Context, user string) (bool, error)
	// Verify checks a code; an error that wraps mail.ErrAuthFailed says that it isn't good, a *mail.TooManyAttemptsError that it wasn't looked at.
	Verify(ctx context.Context, user, code string) error
}

// errCodeWanted says nothing about the password to the guard: whoever has it must not be able to wipe out his wrong codes with it.
var errCodeWanted = errors.New("a code is wanted")

type loginData struct {
	*page
	Code    bool   // the password was right, and a code is wanted
	Token   string // of the form, for the cookie that the page came with
	Next    string
	Name    string
	Rescued string // what somebody wrote whose session has ended
}

func (q *request) home() error { return q.redirect("/mail/INBOX") }

// cookieName returns a cookie's name: over TLS one that the browser takes from this site alone.
func (q *request) cookieName(name string) string { return q.front().CookieName(q.r, name) }

func (q *request) setCookie(name, value string) {
	http.SetCookie(q.w, q.front().Cookie(q.r, name, value))
}

func (q *request) dropCookie(name string) { http.SetCookie(q.w, q.front().Cookie(q.r, name, "")) }

// preCookie is what the token of the log-in form belongs to.
const preCookie = "wmpre"

func (q *request) preToken() string { return q.front().LoginToken(q.w, q.r, preCookie) }

func (q *request) loginPage() error {
	next := web.LocalPath(q.r.URL.Query().Get("next"), "")
	if q.sess != nil {
		return q.redirect(web.LocalPath(next, "/"))
	}
	return q.render(http.StatusOK, "login", loginData{page: q.page("login.title"), Token: q.preToken(), Next: next})
}

// login tries the name and password at the IMAP server.
func (q *request) login() error {
	if !q.front().ValidLoginToken(q.r, preCookie, q.r.PostFormValue("token")) {
		return badToken
	}
	user, password, code := strings.TrimSpace(q.r.PostFormValue("user")), q.r.PostFormValue("password"), q.r.PostFormValue("code")
	coded := false
	again := func(status int, notice string) error {
		q.sess = nil
		p := q.page("login.title")
		p.Notice = notice
		return q.render(status, "login", loginData{page: p, Code: coded, Token: q.preToken(), Next: web.LocalPath(q.r.PostFormValue("next"), ""), Name: user})
	}
	if user == "" || password == "" || len(user) > 320 || len(password) > 1024 || len(code) > 100 || strings.ContainsAny(user+password+code, "\r\n\x00") {
		return again(http.StatusBadRequest, q.T("login.empty"))
	}
	coded, err := q.prove(user, password, code)
	var too *mail.TooManyAttemptsError
	switch {
	case errors.Is(err, errCodeWanted):
		return again(http.StatusUnauthorized, q.T("login.code.wanted"))
	case errors.As(err, &too):
		return again(http.StatusTooManyRequests, q.N("login.wait", web.Seconds(too.Wait)))
	case coded && errors.Is(err, mail.ErrAuthFailed):
		q.cfg.Log.Info("webmail: wrong code", "user", user, "remote", q.remote(), "reason", err)
		return again(http.StatusUnauthorized, q.T("login.code.wrong"))
	case errors.Is(err, mail.ErrAuthFailed):
		q.cfg.Log.Info("webmail: log-in failed", "user", user, "remote", q.remote())
		return again(http.StatusUnauthorized, q.T("login.wrong"))
	case err != nil:
		q.cfg.Log.Warn("webmail: log-in", "user", user, "err", err)
		return again(http.StatusBadGateway, q.T("error.server"))
	}
	if q.sess != nil { // a session that was there ends: its cookie was perhaps another's
		_ = q.sessions.End(q.sess)
	}
	cookie, err := q.sessions.Create(user, password, q.remote(), q.r.UserAgent())
	if errors.Is(err, session.ErrFull) {
		return again(http.StatusServiceUnavailable, q.T("login.full"))
	}
	if err != nil {
		return err
	}
	q.cfg.Log.Info("webmail: log-in", "user", user, "remote", q.remote())
	q.setCookie("wm", cookie)
	q.dropCookie(preCookie)
	return q.redirect(web.LocalPath(q.r.PostFormValue("next"), "/"))
}

// prove tries a password, and the code of a user who has to give one; coded reports that he has. Every guess goes past the guard.
func (q *request) prove(user, password, code string) (coded bool, err error) {
	settled, err := q.admit(user, password+"\x00"+code) // each code is a guess of its own
	if err != nil {
		return false, err
	}
	if err = q.accounts.check(q.ctx, user, password); err == nil {
		coded, err = q.secondFactor(user, code)
	}
	settled(err)
	return coded, err
}

// secondFactor checks the code of a user whose password was right; coded reports that he has to give one.
func (q *request) secondFactor(user, code string) (coded bool, err error) {
	if q.cfg.SecondFactor == nil {
		return false, nil
	}
	coded, err = q.cfg.SecondFactor.Wanted(q.ctx, user)
	switch {
	case err != nil || !coded:
		return coded, err
	case strings.TrimSpace(code) == "":
		return true, errCodeWanted
	}
	return true, q.cfg.SecondFactor.Verify(q.ctx, user, code)
}

// admit asks the guard. Whom it would let wait is told how long.
func (q *request) admit(user, password string) (settled func(error), err error) {
	ctx, cancel := context.WithTimeout(q.ctx, time.Second)
	defer cancel()
	a := &mail.AuthRequest{Username: user, Password: password, Mechanism: "LOGIN", Service: "http", Remote: web.Addr(q.remote()), Secured: true}
	return q.cfg.Guard.Admit(ctx, a)
}

func (q *request) logout() error {
	if err := q.sessions.End(q.sess); err != nil {
		return err
	}
	q.dropCookie("wm")
	return q.redirect("/login")
}

// endSessions ends one other session of the user, or all others.
func (q *request) endSessions() error {
	id := q.r.PostFormValue("id")
	if id == "" && q.r.PostFormValue("do") != "others" {
		return badRequest
	}
	if err := q.sessions.EndOthers(q.sess, id); err != nil {
		return err
	}
	return q.redirect("/sessions")
}

// check tries a password.
func (a *accounts) check(ctx context.Context, user, password string) error {
	acc := a.get(user, password)
	defer acc.release()
	return acc.verify(ctx)
}
