package webmail

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/collect"
)

// Fetching has mail fetched from users' POP3 accounts elsewhere. Errors that are a *collect.Problem are the user's to solve.
type Fetching interface {
	Accounts(ctx context.Context, user string) ([]collect.View, error)
	// Save keeps a new account, or a changed one with its password as it is where none is given.
	Save(ctx context.Context, user string, a collect.Account, password string) error
	Remove(ctx context.Context, user, id string) error
	// Fetch fetches from an account now, and returns when that has ended or ctx is done.
	Fetch(ctx context.Context, user, id string) error
	// Ports are those that there is a choice of; none: all.
	Ports() []uint16
}

// fetchPatience is how long a page waits for the mail that it has asked for.
const fetchPatience = 10 * time.Second

// Fetches reports whether users can have mail fetched from elsewhere.
func (p *page) Fetches() bool { return p.q.cfg.Fetching != nil }

type fetchData struct {
	*page
	Accounts []collect.View
	Saved    bool
	Problem  string

	// Of the page of one account.
	Account collect.Account
	Ports   []int
	Days    []int
	Targets []folder
}

// KeptDays says how long messages stay at the other server.
func (d *fetchData) KeptDays(days int) string {
	switch days {
	case collect.Forever:
		return d.T("fetch.days.forever")
	case 0:
		return d.T("fetch.days.now")
	}
	return d.N("fetch.days", days)
}

// Why says what is wrong, and what to do.
func (d *fetchData) Why(p *collect.Problem) string { return d.q.problem(p) }

// FolderLabel is what a folder is called in the list of folders.
func (d *fetchData) FolderLabel(name string) string {
	if i := slices.IndexFunc(d.Folders, func(f folder) bool { return f.Name == name }); i >= 0 {
		return d.Folders[i].Label
	}
	return name
}

func (q *request) problem(p *collect.Problem) string {
	text := q.T("fetch.problem." + string(p.Code))
	if said := clean(p.Said, 300); said != "" {
		text += " " + q.T("fetch.said", said)
	}
	return text
}

// fetchPage lists the accounts and what has come of them.
func (q *request) fetchPage() error {
	if q.cfg.Fetching == nil {
		return notFound
	}
	return q.showFetch(http.StatusOK, "")
}

func (q *request) showFetch(status int, problem string) (err error) {
	d := &fetchData{Saved: q.r.URL.Query().Get("saved") != "", Problem: problem}
	if d.page, err = q.pageWithFolders("fetch.title"); err != nil {
		return err
	}
	if d.Accounts, err = q.cfg.Fetching.Accounts(q.ctx, q.sess.User); err != nil {
		return err
	}
	return q.render(status, "fetch", d)
}

// fetchAccountPage shows the form of an account, or of a new one.
func (q *request) fetchAccountPage() error {
	if q.cfg.Fetching == nil {
		return notFound
	}
	a := collect.Account{Port: 995, TLS: collect.TLSImplicit, Folder: "INBOX", Days: collect.Forever}
	if id := q.r.PathValue("account"); id != "new" {
		all, err := q.cfg.Fetching.Accounts(q.ctx, q.sess.User)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(v collect.View) bool { return v.Account.ID == id })
		if i < 0 {
			return notFound
		}
		a = all[i].Account
	}
	return q.showAccount(http.StatusOK, a, "")
}

func (q *request) showAccount(status int, a collect.Account, problem string) (err error) {
	title := "fetch.change.title"
	if a.ID == "" {
		title = "fetch.add"
	}
	d := &fetchData{Account: a, Problem: problem, Days: []int{collect.Forever, 0, 1, 3, 7, 14, 30, 90}}
	if d.page, err = q.pageWithFolders(title); err != nil {
		return err
	}
	if !slices.Contains(d.Days, a.Days) {
		d.Days = append(d.Days, a.Days)
	}
	for _, p := range q.cfg.Fetching.Ports() {
		d.Ports = append(d.Ports, int(p))
	}
	for _, f := range d.Folders {
		if f.Selectable {
			d.Targets = append(d.Targets, f)
		}
	}
	if !slices.ContainsFunc(d.Targets, func(f folder) bool { return f.Name == a.Folder }) {
		d.Targets = append(d.Targets, folder{Name: a.Folder, Label: a.Folder})
	}
	return q.render(status, "fetchaccount", d)
}

// changeFetch keeps an account, takes it out, or has it fetched from now.
func (q *request) changeFetch() error {
	if q.cfg.Fetching == nil {
		return notFound
	}
	id := q.r.PathValue("account")
	switch q.r.PostFormValue("do") {
	case "save":
		if id == "new" {
			id = ""
		}
		return q.saveAccount(id, q.r.PostFormValue("password"))
	case "remove":
		if err := q.cfg.Fetching.Remove(q.ctx, q.sess.User, id); err != nil {
			return err
		}
		q.cfg.Log.Info("webmail: outside account removed", "user", q.sess.User, "remote", q.remote())
	case "fetch":
		ctx, cancel := context.WithTimeout(q.ctx, fetchPatience)
		defer cancel()
		err := q.cfg.Fetching.Fetch(ctx, q.sess.User, id)
		if p, ok := errors.AsType[*collect.Problem](err); ok {
			return q.showFetch(http.StatusConflict, q.problem(p))
		}
		if err != nil {
			return err
		}
		q.forgetCounts()
	default:
		return badRequest
	}
	return q.redirect("/fetch")
}

func (q *request) saveAccount(id, password string) error {
	f := q.r.PostForm
	a := collect.Account{ID: id, Host: f.Get("host"), TLS: collect.TLS(f.Get("tls")), User: strings.TrimSpace(f.Get("user")), Folder: f.Get("folder"), Paused: f.Get("paused") != ""}
	var err1, err2 error
	a.Port, err1 = strconv.Atoi(f.Get("port"))
	a.Days, err2 = strconv.Atoi(f.Get("days"))
	if errors.Join(err1, err2) != nil || !validFolder(a.Folder) {
		return badRequest
	}
	err := q.cfg.Fetching.Save(q.ctx, q.sess.User, a, password)
	if p, ok := errors.AsType[*collect.Problem](err); ok {
		if p.Code == collect.Gone {
			return q.showFetch(http.StatusConflict, q.problem(p))
		}
		return q.showAccount(http.StatusUnprocessableEntity, a, q.problem(p))
	}
	if err != nil {
		return err
	}
	q.cfg.Log.Info("webmail: outside account saved", "user", q.sess.User, "remote", q.remote(), "host", a.Host)
	return q.redirect("/fetch?saved=1")
}
