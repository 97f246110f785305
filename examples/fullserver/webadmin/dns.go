package webadmin

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/dnsplan"
)

type recordRow struct {
	Name, Type, Why, State, Note string
	Good, Must                   bool
	Found                        []string
	Line                         string
}

type dnsData struct {
	Domains []string
	Domain  string
	Rows    []recordRow
	Bad     int
	Zone    string
}

// dnsTime is how long a domain's records are asked for.
const dnsTime = 20 * time.Second

func (q *request) plan() (domains []string, domain string, s *dnsplan.Site, err error) {
	domains, domain, err = q.domains()
	if err != nil || domain == "" || q.cfg.DNS == nil {
		return domains, domain, nil, err
	}
	ctx, cancel := context.WithTimeout(q.ctx, dnsTime/2)
	defer cancel()
	if s, err = q.cfg.DNS([]string{domain}); err == nil && q.cfg.Resolver != nil {
		_ = s.Fill(ctx, q.cfg.Resolver) // what can't be asked is told record by record
	}
	return domains, domain, s, err
}

func (q *request) dnsPage() error {
	if err := q.turn(); err != nil {
		return err
	}
	defer q.endTurn()
	domains, domain, s, err := q.plan()
	if err != nil {
		return err
	}
	d := dnsData{Domains: domains, Domain: domain}
	if s != nil && q.cfg.Resolver != nil {
		ctx, cancel := context.WithTimeout(q.ctx, dnsTime)
		defer cancel()
		list := s.Records()
		found := make([]dnsplan.Finding, len(list))
		var wg sync.WaitGroup
		for i := range list {
			wg.Go(func() { found[i] = s.Check(ctx, q.cfg.Resolver, &list[i]) })
		}
		wg.Wait()
		for i, rec := range list {
			f := found[i]
			w := dnsplan.Say(string(q.lang), rec.Kind, f)
			r := recordRow{Name: rec.Name, Type: rec.Type, Why: w.Why, State: w.State, Note: w.Note, Good: f.State == dnsplan.Good, Must: rec.Must, Line: rec.Line()}
			for _, t := range f.Found {
				r.Found = append(r.Found, clean(t))
			}
			if !r.Good && r.Must {
				d.Bad++
			}
			d.Rows = append(d.Rows, r)
		}
		var b strings.Builder
		s.Zone(&b, string(q.lang))
		d.Zone = b.String()
	}
	return q.render(http.StatusOK, "dns", q.page("dns.title"), d)
}

// zoneFile is the records as lines for a zone file.
func (q *request) zoneFile() error {
	_, _, s, err := q.plan()
	if err != nil {
		return err
	}
	if s == nil {
		return notFound
	}
	var b strings.Builder
	s.Zone(&b, string(q.lang))
	return q.file("zone.txt", "text/plain; charset=utf-8", []byte(b.String()))
}
