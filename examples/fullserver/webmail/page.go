package webmail

import (
	"bytes"
	"html/template"
	"net/http"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
)

// page is what every page has. Templates call its methods as {{$.T "key"}}.
type page struct {
	q       *request
	Title   string
	User    string // who is signed in
	Token   string // of forms
	Folders []folder
	Current string // the folder that is shown
	Quota   *quota
	Notice  string
	Done    *doneView // what an action has done
	Wide    bool      // the page has panes
	Rich    bool      // a message is written with formatting: other scripts, another policy
	Message bool      // a message is open: on a phone it hides the list
}

// page makes what every page has, with a title from the catalogue.
func (q *request) page(title string) *page {
	p := &page{q: q, Title: q.T(title)}
	if q.sess != nil {
		p.User = q.sess.User
		p.Token = web.NewToken(q.sess.Key("form"))
	}
	return p
}

// T and N return texts in the user's language.
func (q *request) T(key string, args ...any) string { return q.texts.T(q.lang, key, args...) }

// N returns the text for a number of things.
func (q *request) N(key string, n int, args ...any) string { return q.texts.N(q.lang, key, n, args...) }

// T returns a text.
func (p *page) T(key string, args ...any) string { return p.q.T(key, args...) }

// N returns a text for a number of things.
func (p *page) N(key string, n int, args ...any) string { return p.q.N(key, n, args...) }

// Lang returns the page's language.
func (p *page) Lang() i18n.Lang { return p.q.lang }

// Langs returns all there are.
func (p *page) Langs() []i18n.Lang { return i18n.Langs() }

// Asset returns the address of a file.
func (p *page) Asset(name string) string { return p.q.assets.URL(name) }

// Modules returns the scripts that the first one needs, so that browsers fetch all at once.
func (p *page) Modules() []string {
	list := []string{"swap.js", "keys.js", "live.js"}
	if p.q.r.URL.Path == "/compose" {
		list = append(list, "compose.js", "people.js")
	}
	return list
}

// Icon is the site's sign, within the page: a request less.
func (p *page) Icon() template.URL { return icon }

// Secured reports whether users can set up a second factor.
func (p *page) Secured() bool { return p.q.cfg.Security != nil }

// RichScripts returns what is loaded where a message is written with formatting.
func (p *page) RichScripts() []string { return richScripts() }

// Keys reports whether keyboard shortcuts are on.
func (p *page) Keys() bool { return !p.q.prefs.NoKeys }

// Size writes a number of octets.
func (p *page) Size(n int64) string { return p.q.lang.Size(n) }

// Failures are messages that could not be sent.
func (p *page) Failures() []failed { return p.q.failures() }

// Short and Moment write times in the user's zone.
func (p *page) Short(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.q.lang.Short(t.In(p.q.zone), p.q.cfg.Now().In(p.q.zone))
}

// Moment writes a day and time.
func (p *page) Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.q.lang.Moment(t.In(p.q.zone))
}

// Day writes a day that is kept as 2006-01-02; what is none stays as it is.
func (p *page) Day(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return p.q.lang.Date(t)
}

// Path returns the page's own address, without what an action has done.
func (p *page) Path() string {
	u := *p.q.r.URL
	v := u.Query()
	v.Del("done")
	u.RawQuery = v.Encode()
	return u.RequestURI()
}

// render writes a page. It is made whole before the first octet goes out: an error is an error page and not half of one.
func (q *request) render(status int, name string, data any) error {
	var b bytes.Buffer
	if err := q.templates[name].ExecuteTemplate(&b, "layout", data); err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.Header().Set("X-Page", name) // scripts put nothing in a page that has none: a mail's own document is HTML from here, too
	return q.write(status, b.Bytes())
}

// write writes what is in memory.
func (q *request) write(status int, b []byte) error {
	web.Write(q.w, q.r, status, b)
	return nil
}

// showFailure shows an error page, or the log-in page to who is not signed in.
func (q *request) showFailure(f *failure) {
	if q.sess == nil && f.status == http.StatusUnauthorized {
		q.dropCookie("wm")
		p := q.page("login.title")
		p.Notice = q.T(f.key, f.args...)
		if q.render(f.status, "login", loginData{page: p, Token: q.preToken()}) == nil {
			return
		}
	}
	p := q.page("error.title")
	p.Notice = q.T(f.key, f.args...)
	if err := q.render(f.status, "error", errorData{p}); err != nil {
		q.cfg.Log.Error("webmail", "template", "error", "err", err)
		http.Error(q.w, "500", http.StatusInternalServerError)
	}
}

type errorData struct{ *page }
