package webadmin

import (
	"bytes"
	"embed"
	"net/http"
	"strconv"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
	"github.com/buuta/mail/examples/fullserver/maillog"
)

//go:embed templates static texts
var embedded embed.FS

// static are the files that pages load, texts what they say.
var static, texts = web.Folder(embedded, "static"), web.Folder(embedded, "texts")

// page is what every page has. Templates call its methods as {{$.T "key"}}; what is the page's own is in V.
type page struct {
	q      *request
	Title  string
	User   string
	Token  string
	All    bool // he administers all domains
	Notice string
	Bad    bool // the notice is of something that went wrong
	Name   string
	V      any
}

func (q *request) page(title string) *page {
	p := &page{q: q, Title: q.T(title)}
	if q.sess != nil {
		p.User, p.All, p.Token = q.sess.User, q.who.All(), web.NewToken(q.sess.Key("form"))
	}
	if done := q.arg("done"); q.r.Method == "GET" && q.texts.Has(i18n.EN, "done."+done) {
		p.Notice = q.T("done." + done)
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

// Other returns the other language.
func (p *page) Other() i18n.Lang {
	if p.q.lang == i18n.VI {
		return i18n.EN
	}
	return i18n.VI
}

// Asset returns the address of a file.
func (p *page) Asset(name string) string { return p.q.assets.URL(name) }

// Size writes a number of octets.
func (p *page) Size(n int64) string { return p.q.lang.Size(n) }

// Moment writes a day and time.
func (p *page) Moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return p.q.lang.Moment(t.In(p.q.zone))
}

// Day writes a day.
func (p *page) Day(t time.Time) string { return p.q.lang.Date(t.In(p.q.zone)) }

// Of writes what is used of a limit; sizes where it is one.
func (p *page) Of(used, limit int64, size bool) string {
	show := func(n int64) string {
		if size {
			return p.Size(n)
		}
		return strconv.FormatInt(n, 10)
	}
	if limit == 0 {
		return show(used)
	}
	return show(used) + " / " + show(limit)
}

// Int makes a count one that Of takes.
func (p *page) Int(n int) int64 { return int64(n) }

// Hour writes the hour that something began in.
func (p *page) Hour(t time.Time) string { return t.In(p.q.zone).Format("02/01 15:04") }

// Path is the page's own address, for forms that come back to it.
func (p *page) Path() string {
	if p.q.r.Method != "GET" {
		return "/admin/"
	}
	return p.q.r.URL.RequestURI()
}

// Stale and Coded say which proofs a form has to ask for.
func (p *page) Stale() bool { return p.q.stale() }

// Coded reports whether a code belongs to the proof.
func (p *page) Coded() bool { return p.q.coded() }

// Nav are the pages that there are, those for all domains where they are his.
func (p *page) Nav() []string {
	list := []string{"overview", "users", "aliases", "domains", "queue", "trace", "dns", "logins"}
	if p.All {
		list = append(list, "tls", "limits")
	}
	return list
}

// Link is a page's address.
func (p *page) Link(name string) string {
	if name == "overview" {
		return "/admin/"
	}
	return "/admin/" + name
}

// render writes a page. It is made whole before the first octet goes out.
func (q *request) render(status int, name string, p *page, v any) error {
	p.V, p.Name = v, name
	var b bytes.Buffer
	if err := q.templates[name].ExecuteTemplate(&b, "layout", p); err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	web.Write(q.w, q.r, status, b.Bytes())
	return nil
}

// file sends something to be kept.
func (q *request) file(name, kind string, b []byte) error {
	h := q.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = q.w.Write(b) // an error is of a browser that has gone
	return nil
}

// clean is a text of others' on one line.
func clean(s string) string {
	if len(s) > 2000 {
		s = s[:2000]
	}
	return string(maillog.AppendClean(nil, s))
}

// confirmation is what is shown before something that can't be taken back.
type confirmation struct {
	Title, Text string
	Items       []string
	Action      string
	Fields      [][2]string
	Button      string
	Back        string
}

// sure reports whether a form comes from a confirmation, with the proof that its user is who he is; otherwise it shows that.
func (q *request) sure(c confirmation) (bool, error) {
	notice := ""
	if q.form("sure") == "yes" {
		err := q.proveAgain()
		if err == nil {
			return true, nil
		}
		f := q.failureOf(err)
		notice = q.T(f.key, f.args...)
	}
	p := q.page("confirm.title")
	p.Title, p.Notice, p.Bad = c.Title, notice, true
	status := http.StatusOK
	if notice != "" {
		status = http.StatusForbidden
	}
	return false, q.render(status, "confirm", p, c)
}
