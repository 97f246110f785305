// Package tlsrpt counts how the TLS of sessions with mail exchangers went and makes the daily reports of SMTP TLS
// Reporting (RFC 8460) of it. Sending them is the program's own: by mail or HTTPS, to the addresses that [ReportTo] finds.
package tlsrpt

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/smtp/mx"
)

// Collector counts results. Its Add fits [mx.Transport].TLSReport. The zero value works; it may be used by many goroutines
// at once.
type Collector struct {
	Organization string           // of the reports
	Contact      string           // an address, for questions about them
	SendingIP    string           // of this host, "" when it isn't known
	Now          func() time.Time // nil: time.Now

	// MaxDomains bounds the policy domains counted for one day, MaxDetails the different failures of one policy; what comes
	// beyond is counted in the summary only, or not at all. 0: 10,000 and 100.
	MaxDomains, MaxDetails int

	mu   sync.Mutex
	days map[time.Time]map[string]*Report // by day and domain
}

// Report is one day's report on one policy domain, as its JSON has it (RFC 8460 section 4.4).
type Report struct {
	Organization string    `json:"organization-name"`
	Range        DateRange `json:"date-range"`
	Contact      string    `json:"contact-info"`
	ID           string    `json:"report-id"`
	Policies     []*Policy `json:"policies"`

	domain string
}

// DateRange is the day that a report is about, in UTC.
type DateRange struct {
	Start time.Time `json:"start-datetime"`
	End   time.Time `json:"end-datetime"`
}

// Policy is what was counted under one policy.
type Policy struct {
	Policy struct {
		Type   string   `json:"policy-type"`
		String []string `json:"policy-string,omitempty"`
		Domain string   `json:"policy-domain"`
		MXHost []string `json:"mx-host,omitempty"`
	} `json:"policy"`
	Summary struct {
		Successful int64 `json:"total-successful-session-count"`
		Failed     int64 `json:"total-failure-session-count"`
	} `json:"summary"`
	Failures []*Failure `json:"failure-details,omitempty"`
}

// Failure is a kind of failure and how often it was seen.
type Failure struct {
	Type          mx.TLSFailure `json:"result-type"`
	SendingIP     string        `json:"sending-mta-ip,omitempty"`
	MXHost        string        `json:"receiving-mx-hostname,omitempty"`
	ReceivingHelo string        `json:"receiving-mx-helo,omitempty"`
	ReceivingIP   string        `json:"receiving-ip,omitempty"`
	Count         int64         `json:"failed-session-count"`
	Reason        string        `json:"failure-reason-code,omitempty"`
}

// Domain returns the policy domain.
func (r *Report) Domain() string { return r.domain }

// maxReason is how much of a failure's text is kept, in octets.
const maxReason = 300

// Add counts one result.
func (c *Collector) Add(r mx.TLSResult) {
	if r.Domain == "" {
		return
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	day := now().UTC().Truncate(24 * time.Hour)
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.policy(c.report(day, r.Domain), r)
	if p == nil {
		return
	}
	if r.Type == mx.TLSSuccess {
		p.Summary.Successful++
		return
	}
	p.Summary.Failed++
	p.fail(r, c.SendingIP, limit(c.MaxDetails, 100))
}

func limit(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// report returns the report on a domain, nil when there are too many.
func (c *Collector) report(day time.Time, domain string) *Report {
	domains := c.days[day]
	if domains == nil {
		domains = make(map[string]*Report)
		if c.days == nil {
			c.days = make(map[time.Time]map[string]*Report)
		}
		c.days[day] = domains
	}
	rep := domains[domain]
	if rep == nil && len(domains) < limit(c.MaxDomains, 10_000) {
		rep = &Report{Organization: c.Organization, Contact: c.Contact, domain: domain,
			Range: DateRange{day, day.Add(24*time.Hour - time.Second)},
			ID:    day.Format(time.DateOnly) + "." + rand.Text() + "." + domain}
		domains[domain] = rep
	}
	return rep
}

// policy returns the part of a report on one policy. A domain has a few at most: a new one, and what was found before.
func (c *Collector) policy(rep *Report, r mx.TLSResult) *Policy {
	if rep == nil {
		return nil
	}
	for _, p := range rep.Policies {
		if p.Policy.Type == r.PolicyType && slices.Equal(p.Policy.String, r.Policy) {
			return p
		}
	}
	if len(rep.Policies) >= 100 {
		return nil
	}
	p := &Policy{}
	p.Policy.Type, p.Policy.String, p.Policy.Domain, p.Policy.MXHost = r.PolicyType, r.Policy, r.Domain, r.MXPatterns
	rep.Policies = append(rep.Policies, p)
	return p
}

func (p *Policy) fail(r mx.TLSResult, sendingIP string, most int) {
	if len(r.Reason) > maxReason {
		r.Reason = strings.ToValidUTF8(r.Reason[:maxReason], "")
	}
	f := Failure{Type: r.Type, SendingIP: sendingIP, MXHost: r.MXHost, ReceivingHelo: r.ReceivingHelo, ReceivingIP: r.ReceivingIP, Reason: r.Reason}
	for _, o := range p.Failures {
		f.Count = o.Count
		if *o == f {
			o.Count++
			return
		}
	}
	if len(p.Failures) < most {
		f.Count = 1
		p.Failures = append(p.Failures, &f)
	}
}

// Take returns the reports of days that are over, ordered by day and domain, and forgets them.
func (c *Collector) Take() []*Report {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	today := now().UTC().Truncate(24 * time.Hour)
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*Report
	for day, domains := range c.days {
		if !day.Before(today) {
			continue
		}
		for _, r := range domains {
			out = append(out, r)
		}
		delete(c.days, day)
	}
	slices.SortFunc(out, func(a, b *Report) int {
		if d := a.Range.Start.Compare(b.Range.Start); d != 0 {
			return d
		}
		return strings.Compare(a.domain, b.domain)
	})
	return out
}
