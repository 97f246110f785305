package webmail

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rsc.io/qr"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
)

// Security changes a user's ways in. It is asked once he has shown again who he is.
type Security interface {
	// SecondFactor tells whether a user has one, whether that isn't his to change, and how many recovery codes are left.
	SecondFactor(ctx context.Context, user string) (has, given bool, codes int, err error)
	// NewKey makes a key for an authenticator app, and KeyURI what a QR code of it says.
	NewKey(ctx context.Context, user string) (key, uri string, err error)
	KeyURI(ctx context.Context, user, key string) (uri string, err error)
	// SetKey gives a user the key, if the code is of it (else the error wraps mail.ErrAuthFailed), and recovery codes.
	SetKey(ctx context.Context, user, key, code string) (recovery []string, err error)
	RemoveKey(ctx context.Context, user string) error
	// NewCodes makes recovery codes in place of those of before.
	NewCodes(ctx context.Context, user string) (recovery []string, err error)

	// Scopes are what an app password may be for, such as "imap".
	Scopes() []string
	AppPasswords(ctx context.Context, user string) ([]AppPassword, error)
	// AddApp makes an app password; ErrManyApps says that there are too many.
	AddApp(ctx context.Context, user, label string, scopes []string) (password string, err error)
	RemoveApp(ctx context.Context, user, id string) error
}

// AppPassword is a password of one program of a user's.
type AppPassword struct {
	ID, Label string
	Scopes    []string
	Made      string // a day
}

// ErrManyApps says that a user has as many app passwords as he may.
var ErrManyApps = errors.New("too many app passwords")

// maxLabel is how many octets the name of an app password may have.
const maxLabel = 100

type securityData struct {
	*page
	Sessions []session.Info
	Own      string

	Managed    bool // there is a Security
	Has, Given bool
	Codes      int // recovery codes left
	Apps       []AppPassword
	Scopes     []string

	Problem  string
	Password string   // an app password that was made: it is shown once
	Label    string   // whose
	Recovery []string // codes that were made: they are shown once

	// Of the page that sets a second factor up.
	Key string
	QR  qrView
}

// sessionsPage shows from where the user is signed in, and by what.
func (q *request) sessionsPage() error { return q.showSecurity(http.StatusOK, securityData{}) }

func (q *request) showSecurity(status int, d securityData) (err error) {
	title := "sessions.title"
	if q.cfg.Security != nil {
		title = "security.title"
	}
	if d.page, err = q.pageWithFolders(title); err != nil {
		return err
	}
	d.Sessions, d.Own = q.sessions.List(q.sess.User), q.sess.ID
	if s := q.cfg.Security; s != nil {
		d.Managed, d.Scopes = true, s.Scopes()
		if d.Has, d.Given, d.Codes, err = s.SecondFactor(q.ctx, q.sess.User); err != nil {
			return err
		}
		if d.Apps, err = s.AppPasswords(q.ctx, q.sess.User); err != nil {
			return err
		}
	}
	return q.render(status, "sessions", d)
}

// securityPage begins to set up a second factor. The other addresses are those of forms: whoever comes back to one sees the page that had it.
func (q *request) securityPage() error {
	if q.cfg.Security == nil {
		return notFound
	}
	if q.r.PathValue("what") != "code" {
		return q.redirect("/sessions")
	}
	has, _, _, err := q.cfg.Security.SecondFactor(q.ctx, q.sess.User)
	if err != nil {
		return err
	}
	if has {
		return q.redirect("/sessions")
	}
	key, uri, err := q.cfg.Security.NewKey(q.ctx, q.sess.User)
	if err != nil {
		return err
	}
	return q.showKey(http.StatusOK, key, uri, "")
}

func (q *request) showKey(status int, key, uri, problem string) error {
	p, err := q.pageWithFolders("security.setup")
	if err != nil {
		return err
	}
	d := securityData{page: p, Key: key, Problem: problem}
	if d.QR, err = newQR(uri); err != nil {
		return err
	}
	return q.render(status, "code", d)
}

// confirm has the user show again who he is, by the password of his session. problem says what was wrong.
func (q *request) confirm(code string) (status int, problem string, err error) {
	password := q.r.PostFormValue("password")
	if password == "" || len(password) > 1024 || len(code) > 100 || strings.ContainsAny(password+code, "\r\n\x00") {
		return http.StatusBadRequest, q.T("security.confirm"), nil
	}
	coded, err := q.prove(q.sess.User, password, code)
	status, problem = q.unproved(coded, err)
	if problem != "" {
		err = nil
	}
	return status, problem, err
}

// unproved is what a user is told whose password or code was not taken; "" for what isn't about them.
func (q *request) unproved(coded bool, err error) (status int, problem string) {
	var too *mail.TooManyAttemptsError
	switch {
	case errors.Is(err, errCodeWanted):
		return http.StatusUnprocessableEntity, q.T("login.code.wanted")
	case errors.As(err, &too):
		return http.StatusTooManyRequests, q.N("login.wait", web.Seconds(too.Wait))
	case coded && errors.Is(err, mail.ErrAuthFailed):
		return http.StatusUnprocessableEntity, q.T("login.code.wrong")
	case errors.Is(err, mail.ErrAuthFailed):
		return http.StatusUnprocessableEntity, q.T("security.wrong")
	}
	return http.StatusOK, ""
}

// changeCode sets up a second factor, takes it away, or makes new recovery codes.
func (q *request) changeCode() error {
	s, do, code := q.cfg.Security, q.r.PostFormValue("do"), q.r.PostFormValue("code")
	if s == nil {
		return notFound
	}
	if do == "set" {
		return q.setKey(q.r.PostFormValue("key"), code)
	}
	if do != "remove" && do != "codes" {
		return badRequest
	}
	_, given, _, err := s.SecondFactor(q.ctx, q.sess.User)
	if err != nil {
		return err
	}
	if do == "remove" && given {
		return badRequest
	}
	status, problem, err := q.confirm(code)
	if err != nil || problem != "" {
		return q.showOr(err, status, problem)
	}
	if do == "codes" {
		recovery, err := s.NewCodes(q.ctx, q.sess.User)
		if err != nil {
			return err
		}
		return q.showSecurity(http.StatusOK, securityData{Recovery: recovery})
	}
	if err := s.RemoveKey(q.ctx, q.sess.User); err != nil {
		return err
	}
	q.cfg.Log.Info("webmail: second factor taken away", "user", q.sess.User, "remote", q.remote())
	return q.redirect("/sessions")
}

func (q *request) showOr(err error, status int, problem string) error {
	if err != nil {
		return err
	}
	return q.showSecurity(status, securityData{Problem: problem})
}

func (q *request) setKey(key, code string) error {
	uri, err := q.cfg.Security.KeyURI(q.ctx, q.sess.User, key)
	if err != nil {
		return badRequest
	}
	status, problem, err := q.confirm("") // whoever has a code already is told so by SetKey
	if err != nil {
		return err
	}
	var recovery []string
	if problem == "" {
		recovery, err = q.cfg.Security.SetKey(q.ctx, q.sess.User, key, code)
		if status, problem = q.unproved(true, err); problem == "" && err != nil {
			return err
		}
	}
	if problem != "" {
		return q.showKey(status, key, uri, problem)
	}
	q.cfg.Log.Info("webmail: second factor set up", "user", q.sess.User, "remote", q.remote())
	if err := q.sessions.EndOthers(q.sess, ""); err != nil { // who came in without a code goes
		return err
	}
	return q.showSecurity(http.StatusOK, securityData{Recovery: recovery})
}

// changeApp makes an app password or takes one away.
func (q *request) changeApp() error {
	s, do := q.cfg.Security, q.r.PostFormValue("do")
	switch {
	case s == nil:
		return notFound
	case do == "remove":
		if err := s.RemoveApp(q.ctx, q.sess.User, q.r.PostFormValue("id")); err != nil {
			return err
		}
		return q.redirect("/sessions")
	case do != "add":
		return badRequest
	}
	label, scopes := clean(strings.ReplaceAll(q.r.PostFormValue("label"), ":", " "), maxLabel/2), q.r.PostForm["scope"]
	for len(label) > maxLabel {
		_, n := utf8.DecodeLastRuneInString(label)
		label = label[:len(label)-n]
	}
	if label == "" || len(scopes) == 0 || slices.ContainsFunc(scopes, func(x string) bool { return !slices.Contains(s.Scopes(), x) }) {
		return q.showSecurity(http.StatusBadRequest, securityData{Problem: q.T("security.app.what")})
	}
	status, problem, err := q.confirm(q.r.PostFormValue("code"))
	if err != nil || problem != "" {
		return q.showOr(err, status, problem)
	}
	password, err := s.AddApp(q.ctx, q.sess.User, label, slices.Compact(slices.Sorted(slices.Values(scopes))))
	if errors.Is(err, ErrManyApps) {
		return q.showSecurity(http.StatusConflict, securityData{Problem: q.T("security.app.many")})
	}
	if err != nil {
		return err
	}
	q.cfg.Log.Info("webmail: app password made", "user", q.sess.User, "remote", q.remote())
	return q.showSecurity(http.StatusOK, securityData{Password: password, Label: label})
}

// qrView is a QR code as an SVG draws it.
type qrView struct {
	Path string // its dark squares, in a box with a margin of four (ISO/IEC 18004 section 9.1)
	Size int
}

// Box is the box around it.
func (v qrView) Box() string {
	n := strconv.Itoa(v.Size)
	return "0 0 " + n + " " + n
}

func newQR(text string) (qrView, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return qrView{}, err
	}
	const margin = 4
	var path strings.Builder
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			from := x
			for x < c.Size && c.Black(x, y) {
				x++
			}
			if n := strconv.Itoa(x - from); x > from {
				path.WriteString("M" + strconv.Itoa(from+margin) + " " + strconv.Itoa(y+margin) + "h" + n + "v1h-" + n + "z")
			}
		}
	}
	return qrView{path.String(), c.Size + 2*margin}, nil
}
