package webadmin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/quota"
)

type aliasesData struct {
	Domains       []string
	Domain, Query string
	Aliases       []admin.Alias
	Change        bool
}

func (q *request) aliasesPage() error {
	list, domain, err := q.domains()
	if err != nil {
		return err
	}
	d := aliasesData{Domains: list, Domain: domain, Query: strings.ToLower(strings.TrimSpace(q.arg("q"))), Change: q.cfg.Admin.Changes().Aliases}
	if d.Change && domain != "" {
		if d.Aliases, err = q.who.AliasesOf(q.ctx, domain); err != nil {
			return err
		}
		d.Aliases = slices.DeleteFunc(d.Aliases, func(a admin.Alias) bool { return !strings.Contains(strings.ToLower(a.Address+" "+a.To), d.Query) })
	}
	return q.render(http.StatusOK, "aliases", q.page("aliases.title"), d)
}

type aliasData struct {
	Address, To, Version string
	There                bool
}

func (q *request) aliasPage() error {
	address := strings.ToLower(strings.TrimSpace(q.arg("address")))
	d := aliasData{Address: address}
	version, err := q.who.AliasVersion(q.ctx, address)
	if err != nil {
		return err
	}
	all, err := q.who.AliasesOf(q.ctx, quota.DomainOf(address))
	if err != nil {
		return err
	}
	for _, a := range all {
		if strings.EqualFold(a.Address, address) {
			d.There, d.To = true, strings.Join(recipients(a.To), "\n")
		}
	}
	d.Version = version
	if to := q.arg("to"); !d.There && to != "" {
		d.To = to
	}
	return q.render(http.StatusOK, "alias", q.page("alias.title"), d)
}

func (q *request) changeAlias() error {
	address := strings.TrimSpace(q.form("address"))
	if !strings.Contains(address, "@") && q.form("domain") != "" {
		address += "@" + q.form("domain")
	}
	who := q.who.Seen(q.form("version"))
	back := "/admin/aliases?domain=" + url.QueryEscape(quota.DomainOf(address))
	switch q.r.PathValue("do") {
	case "set":
		if strings.HasPrefix(address, "@") { // it takes all mail that nobody has
			c := confirmation{Title: q.T("alias.all"), Text: q.T("alias.all.sure", clean(address[1:])), Items: recipients(q.form("to")), Action: "/admin/alias/set", Button: q.T("alias.save"), Back: back,
				Fields: [][2]string{{"address", address}, {"to", q.form("to")}, {"version", q.form("version")}}}
			if ok, err := q.sure(c); !ok || err != nil {
				return err
			}
		}
		if err := who.SetAlias(q.ctx, address, recipients(q.form("to"))...); err != nil {
			return err
		}
		return q.done(back, "alias")
	case "delete":
		c := confirmation{Title: q.T("alias.delete"), Text: q.T("alias.delete.sure", clean(address)), Action: "/admin/alias/delete", Button: q.T("alias.delete"), Back: back,
			Fields: [][2]string{{"address", address}, {"version", q.form("version")}}}
		if ok, err := q.sure(c); !ok || err != nil {
			return err
		}
		if err := who.DeleteAlias(q.ctx, address); err != nil {
			return err
		}
		return q.done(back, "unalias")
	}
	return notFound
}
