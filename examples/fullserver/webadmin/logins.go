package webadmin

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/logdigest"
	"github.com/buuta/mail/examples/fullserver/logins"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/quota"
)

// shownLogins is how many lines the page has.
const shownLogins = 200

type barredRow struct {
	Kind, Name string // "address" or "account"
	Failures   int
	Seconds    int // until the next attempt is looked at
}

type loginsData struct {
	Query, Show string
	Rows        []logins.Attempts
	Total       int
	Barred      []barredRow
	Audit       []logdigest.Line
}

// canonical is whose name somebody gave; "" for one that can be nobody's.
func (q *request) canonical(name string) string {
	out, err := passwdfile.Canonical(name, q.cfg.Admin.MyDomain)
	if err != nil {
		return ""
	}
	return out
}

// his reports whether attempts concern an account of his domains.
func (q *request) his(a *logins.Attempts) bool {
	if q.who.All() {
		return true
	}
	name := q.canonical(a.User)
	return name != "" && q.who.May(quota.DomainOf(name))
}

func (q *request) loginsPage() error {
	d := loginsData{Query: strings.ToLower(strings.TrimSpace(q.arg("q"))), Show: q.arg("show")}
	if q.cfg.Logins != nil {
		all := q.cfg.Logins.List(q.his)
		d.Barred = q.barred(all)
		all = slices.DeleteFunc(all, func(a logins.Attempts) bool {
			return d.Show == "failed" && a.Good || d.Show == "good" && !a.Good || !strings.Contains(a.User+" "+a.Remote+" "+a.Service, d.Query)
		})
		d.Total = len(all)
		d.Rows = all[:min(shownLogins, len(all))]
	}
	if q.who.All() && q.cfg.Digest != nil {
		v, err := q.cfg.Digest.Read(q.ctx)
		if err != nil {
			q.cfg.Log.Warn("webadmin: log", "err", err)
		} else {
			d.Audit = v.Audit
		}
	}
	return q.render(http.StatusOK, "logins", q.page("logins.title"), d)
}

// barred are accounts and addresses that have to wait now. Addresses are for those who administer all: others are behind them, too.
func (q *request) barred(all []logins.Attempts) (out []barredRow) {
	if q.cfg.Throttle == nil {
		return nil
	}
	seen := map[string]bool{}
	add := func(kind, name string, t mail.Throttled) {
		if !seen[kind+name] && t.Wait > 0 {
			out = append(out, barredRow{kind, name, t.Failures, web.Seconds(t.Wait)})
		}
		seen[kind+name] = true
	}
	for _, a := range all {
		if a.Good {
			continue
		}
		add("account", a.User, q.cfg.Throttle.Account(a.User))
		if q.who.All() {
			add("address", a.Remote, q.cfg.Throttle.Address(web.Addr(a.Remote)))
		}
	}
	slices.SortFunc(out, func(a, b barredRow) int {
		return cmp.Or(cmp.Compare(b.Failures, a.Failures), strings.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), 100)]
}

// unbar forgets the failures of an account or an address.
func (q *request) unbar() error {
	name := q.form("name")
	switch q.form("kind") {
	case "account":
		if !q.his(&logins.Attempts{User: name}) {
			return denied
		}
		q.cfg.Throttle.ForgetAccount(name)
	case "address":
		if !q.who.All() {
			return denied
		}
		q.cfg.Throttle.ForgetAddress(web.Addr(name))
	default:
		return badRequest
	}
	q.who.Note("unbar " + q.form("kind") + " " + name)
	return q.done("/admin/logins", "unbar")
}
