package webadmin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/quota"
)

type domainRow struct {
	*admin.Domain
	Storage, Messages int64
	Known             bool // what is used
}

type domainsData struct {
	Rows   []domainRow
	Change admin.Changes
}

// rows are domains with what they use.
func (q *request) rows(names []string) ([]domainRow, error) {
	all, err := q.who.DomainsOf(q.ctx, names...)
	if err != nil {
		return nil, err
	}
	var out []domainRow
	for _, d := range all {
		r := domainRow{Domain: d}
		used := q.usage(d.Name)
		r.Known = used != nil
		for _, u := range used {
			r.Storage, r.Messages = r.Storage+u.Storage, r.Messages+u.Messages
		}
		out = append(out, r)
	}
	return out, nil
}

func (q *request) domainsPage() error {
	list, _, err := q.domains()
	if err != nil {
		return err
	}
	d := domainsData{Change: q.cfg.Admin.Changes()}
	if d.Rows, err = q.rows(list); err != nil {
		return err
	}
	return q.render(http.StatusOK, "domains", q.page("domains.title"), d)
}

type domainData struct {
	domainRow
	Rule, Version string
	Admins        []string
	Change        admin.Changes
}

func domainURL(name string) string { return "/admin/domain?name=" + url.QueryEscape(name) }

func (q *request) domainPage() error {
	name := strings.ToLower(q.arg("name"))
	rows, err := q.rows([]string{name})
	if err != nil {
		return err
	}
	d := domainData{domainRow: rows[0], Change: q.cfg.Admin.Changes()}
	if d.Limits != (quota.Rule{}) {
		d.Rule = d.Limits.String()
	}
	if q.who.All() {
		rule, version, err := q.who.DomainVersion(q.ctx, name)
		if err != nil {
			return err
		}
		d.Version = version
		if d.Change.Limits { // the table is read again a moment after it has changed
			d.Rule = rule
		}
		if d.Admins, err = q.who.AdminsOf(q.ctx, name); err != nil {
			return err
		}
	}
	return q.render(http.StatusOK, "domain", q.page("domain.title"), d)
}

// changeDomain does what those do who administer all domains.
func (q *request) changeDomain() error {
	name, do := strings.TrimSpace(q.form("name")), q.r.PathValue("do")
	who := q.who.Seen(q.form("version"))
	switch do {
	case "add":
		if err := q.who.AddDomain(q.ctx, name, ""); err != nil {
			return err
		}
		return q.done(domainURL(strings.ToLower(name)), "domain")
	case "quota":
		if err := who.SetDomainQuota(q.ctx, name, strings.TrimSpace(q.form("quota"))); err != nil {
			return err
		}
		return q.done(domainURL(name), "quota")
	case "delete", "grant", "revoke":
		user := strings.TrimSpace(q.form("user"))
		c := confirmation{Title: q.T("domain." + do), Text: q.T("domain."+do+".sure", clean(name)), Action: "/admin/domain/" + do, Button: q.T("domain." + do), Back: domainURL(name),
			Fields: [][2]string{{"name", name}, {"user", user}}}
		if user != "" {
			c.Items = []string{clean(user)}
		}
		if ok, err := q.sure(c); !ok || err != nil {
			return err
		}
		if do == "delete" {
			if err := q.who.DeleteDomain(q.ctx, name); err != nil {
				return err
			}
			return q.done("/admin/domains", "undomain")
		}
		if err := q.who.SetAdmin(q.ctx, user, name, do == "grant"); err != nil {
			return err
		}
		return q.done(domainURL(name), do)
	}
	return notFound
}
