package webadmin

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/logins"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/maildir"
)

// perPage is how many users a page shows.
const perPage = 100

type userRow struct {
	admin.User
	Used  maildir.Quota
	Known bool // what is used
}

type usersData struct {
	Domains           []string
	Domain, Query     string
	Rows              []userRow
	Total             int
	Older, Newer      string // addresses of the pages beside this one
	Change            admin.Changes
	NewName, NewQuota string
}

// domains are those that he administers; chosen is the one that the address names, or the first.
func (q *request) domains() (list []string, chosen string, err error) {
	if list, err = q.who.Names(q.ctx); err != nil {
		return nil, "", err
	}
	slices.Sort(list)
	chosen = strings.ToLower(q.arg("domain"))
	if chosen == "" && len(list) > 0 {
		chosen = list[0]
	}
	if chosen != "" && !q.who.May(chosen) {
		return nil, "", denied
	}
	return list, chosen, nil
}

// usage is what a domain's accounts keep; nil where nobody knows.
func (q *request) usage(domain string) map[string]maildir.Quota {
	if q.cfg.Usage == nil {
		return nil
	}
	u, err := q.cfg.Usage(q.ctx, domain)
	if err != nil {
		q.cfg.Log.Warn("webadmin: usage", "domain", domain, "err", err)
		return nil
	}
	return u
}

func (q *request) usersPage() error {
	list, domain, err := q.domains()
	if err != nil {
		return err
	}
	d := usersData{Domains: list, Domain: domain, Query: strings.ToLower(strings.TrimSpace(q.arg("q"))), Change: q.cfg.Admin.Changes()}
	var users []admin.User
	if domain != "" {
		if users, err = q.who.UsersOf(q.ctx, domain); err != nil {
			return err
		}
	}
	users = slices.DeleteFunc(users, func(u admin.User) bool { return !strings.Contains(u.Name, d.Query) })
	slices.SortFunc(users, func(a, b admin.User) int { return strings.Compare(a.Name, b.Name) })
	d.Total = len(users)
	n, _ := strconv.Atoi(q.arg("from"))
	from := max(0, min(n, len(users)))
	at := func(n int) string {
		return "/admin/users?" + url.Values{"domain": {domain}, "q": {d.Query}, "from": {strconv.Itoa(n)}}.Encode()
	}
	if from > 0 {
		d.Newer = at(max(0, from-perPage))
	}
	if from+perPage < len(users) {
		d.Older = at(from + perPage)
	}
	used := q.usage(domain)
	for _, u := range users[from:min(from+perPage, len(users))] {
		has, known := used[u.Name]
		d.Rows = append(d.Rows, userRow{u, has, known})
	}
	return q.render(http.StatusOK, "users", q.page("users.title"), d)
}

type userData struct {
	userRow
	Version string
	Rule    string
	Forward string // who gets his mail, where it is somebody else's too
	Aliases []admin.Alias
	Logins  []logins.Attempts
	Change  admin.Changes
}

func userURL(name string) string { return "/admin/user?name=" + url.QueryEscape(name) }

func (q *request) userPage() error {
	name := strings.ToLower(q.arg("name"))
	domain := quota.DomainOf(name)
	users, err := q.who.UsersOf(q.ctx, domain)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(users, func(u admin.User) bool { return u.Name == name })
	if i < 0 {
		return notFound
	}
	d := userData{Change: q.cfg.Admin.Changes()}
	d.User = users[i]
	d.Used, d.Known = q.usage(domain)[name]
	if d.Quota != (quota.Rule{}) {
		d.Rule = d.Quota.String()
	}
	if d.Version, err = q.who.UserVersion(q.ctx, name); err != nil {
		return err
	}
	if d.Change.Aliases {
		all, err := q.who.AliasesOf(q.ctx, domain)
		if err != nil {
			return err
		}
		for _, a := range all {
			switch {
			case strings.EqualFold(a.Address, name):
				d.Forward = a.To
			case slices.ContainsFunc(recipients(a.To), func(to string) bool { return strings.EqualFold(to, name) }):
				d.Aliases = append(d.Aliases, a)
			}
		}
	}
	if q.cfg.Logins != nil {
		d.Logins = q.cfg.Logins.List(func(a *logins.Attempts) bool { return q.canonical(a.User) == name })
		d.Logins = d.Logins[:min(10, len(d.Logins))]
	}
	return q.render(http.StatusOK, "user", q.page("user.title"), d)
}

// recipients are the addresses of an alias.
func recipients(to string) []string {
	return strings.FieldsFunc(to, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
}

// changeUser does one thing to one user.
func (q *request) changeUser() error {
	name, do := strings.TrimSpace(q.form("name")), q.r.PathValue("do")
	who := q.who.Seen(q.form("version"))
	back := userURL(name)
	switch do {
	case "add":
		if err := q.twice(); err != nil {
			return err
		}
		if !strings.Contains(name, "@") {
			name += "@" + q.form("domain")
		}
		if err := q.who.AddUser(q.ctx, name, q.form("password")); err != nil {
			return err
		}
		if rule := strings.TrimSpace(q.form("quota")); rule != "" {
			if err := q.who.SetQuota(q.ctx, name, rule); err != nil {
				return err // the user is there, and the page says why without a limit
			}
		}
		return q.done(userURL(strings.ToLower(name)), "added")
	case "password":
		if err := q.twice(); err != nil {
			return err
		}
		if err := q.proveAgain(); err != nil {
			return err
		}
		if err := who.SetPassword(q.ctx, name, q.form("password")); err != nil {
			return err
		}
		return q.done(back, "password")
	case "quota":
		if err := who.SetQuota(q.ctx, name, strings.TrimSpace(q.form("quota"))); err != nil {
			return err
		}
		return q.done(back, "quota")
	case "enable":
		if err := who.SetDisabled(q.ctx, name, false); err != nil {
			return err
		}
		return q.done(back, "enabled")
	case "disable", "delete":
		c := confirmation{Title: q.T("user." + do), Text: q.T("user."+do+".sure", clean(name)), Action: "/admin/user/" + do, Button: q.T("user." + do), Back: back,
			Fields: [][2]string{{"name", name}, {"version", q.form("version")}}}
		if ok, err := q.sure(c); !ok || err != nil {
			return err
		}
		if do == "disable" {
			if err := who.SetDisabled(q.ctx, name, true); err != nil {
				return err
			}
			return q.done(back, "disabled")
		}
		if err := who.DeleteUser(q.ctx, name); err != nil {
			return err
		}
		return q.done("/admin/users?domain="+url.QueryEscape(quota.DomainOf(name)), "deleted")
	}
	return notFound
}

// twice wants a new password to be there, and to be given twice alike.
func (q *request) twice() error {
	if len(q.form("password")) < 8 {
		return &failure{status: http.StatusUnprocessableEntity, key: "error.short"}
	}
	if q.form("password") != q.form("again") {
		return &failure{status: http.StatusUnprocessableEntity, key: "error.twice"}
	}
	return nil
}
