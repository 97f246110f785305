package report

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
)

// Collector counts results by day. The zero value works, but for what a report must tell of its sender; it may be used by many
// goroutines at once.
type Collector struct {
	Organization string           // of the reports: whose they are
	Email        string           // an address, for questions about them
	Contact      string           // more of that, "" for nothing
	Now          func() time.Time // nil: time.Now

	// Domains bounds the domains counted for one day, Rows the rows of one domain; what comes beyond is not counted, and the
	// report says so. 0: 10,000 and 10,000.
	Domains, Rows int

	mu   sync.Mutex
	days map[int64]map[string]*domain
}

// domain is one policy domain on one day.
type domain struct {
	record *dmarc.Record
	rows   map[string]*Record
	lost   bool
}

// Message is what is to be counted of a message.
type Message struct {
	Results      *mailauth.Results
	EnvelopeFrom string       // domain of MAIL FROM, "" for the null reverse-path
	EnvelopeTo   string       // domain of RCPT TO, "" where it shall not be told
	Disposition  dmarc.Policy // what became of it
	Reasons      []Reason     // why that isn't what the policy asks for
}

const day = 24 * time.Hour

// Add counts a message. One under no DMARC policy, or whose owner wants no reports, is nobody's business and is not counted.
func (c *Collector) Add(m *Message) {
	d := m.Results.DMARC
	if d.Record == nil || d.Record.Invalid || len(d.Record.AggregateTo) == 0 || d.Result != authres.Pass && d.Result != authres.Fail {
		return
	}
	rec := record(m)
	key := rec.key()
	begin := c.now().Truncate(day).Unix() // "strongly encouraged to begin that period at 00:00 UTC" (RFC 7489 section 7.2)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.days == nil {
		c.days = map[int64]map[string]*domain{}
	}
	domains := c.days[begin]
	if domains == nil {
		domains = map[string]*domain{}
		c.days[begin] = domains
	}
	of := domains[d.PolicyDomain]
	if of == nil {
		if len(domains) >= or(c.Domains, 10_000) {
			return
		}
		of = &domain{rows: map[string]*Record{}}
		domains[d.PolicyDomain] = of
	}
	of.record = d.Record // the last one of the day is told
	if row := of.rows[key]; row != nil {
		row.Row.Count++
	} else if len(of.rows) < or(c.Rows, 10_000) {
		of.rows[key] = rec
	} else {
		of.lost = true
	}
}

func or(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// record is the row of one message.
func record(m *Message) *Record {
	r, d := m.Results, m.Results.DMARC
	aligned := func(ok bool) authres.Code {
		if ok {
			return authres.Pass
		}
		return authres.Fail
	}
	out := &Record{
		Row:         Row{SourceIP: r.IP.Unmap().String(), Count: 1, Disposition: m.Disposition, DKIM: aligned(d.DKIM), SPF: aligned(d.SPF), Reasons: m.Reasons},
		Identifiers: Identifiers{EnvelopeTo: m.EnvelopeTo, EnvelopeFrom: m.EnvelopeFrom, HeaderFrom: d.Domain},
	}
	for _, s := range r.DKIM {
		if s.Domain == "" || len(out.Results.DKIM) >= 10 {
			continue
		}
		x := DKIM{Domain: short(s.Domain), Selector: short(s.Selector), Result: s.Result}
		if s.Err != nil {
			x.Human = s.Method().Reason
		}
		out.Results.DKIM = append(out.Results.DKIM, x)
	}
	scope := "mfrom"
	if r.SPF.Helo {
		scope = "helo"
	}
	out.Results.SPF = []SPF{{Domain: short(r.SPF.Domain), Scope: scope, Result: r.SPF.Result}}
	return out
}

// short keeps what a stranger chose from filling the memory.
func short(s string) string { return strings.ToValidUTF8(s[:min(len(s), 253)], "") }

// key is all of a row but the count.
func (r *Record) key() string {
	var b strings.Builder
	add := func(list ...string) {
		for _, s := range list {
			b.WriteString(s)
			b.WriteByte(0)
		}
	}
	add(r.Row.SourceIP, string(r.Row.Disposition), string(r.Row.DKIM), string(r.Row.SPF), r.Identifiers.EnvelopeTo, r.Identifiers.EnvelopeFrom, r.Identifiers.HeaderFrom)
	for _, x := range r.Row.Reasons {
		add(x.Type, x.Comment)
	}
	for _, x := range r.Results.DKIM {
		add(x.Domain, x.Selector, string(x.Result), x.Human)
	}
	for _, x := range r.Results.SPF {
		add(x.Domain, x.Scope, string(x.Result))
	}
	return b.String()
}

// Ready is a report and where its domain's owner wants it.
type Ready struct {
	Feedback *Feedback
	To       []string // URIs of rua=, to be confirmed by Destinations
}

// Take returns the reports of the days that are over, sorted by day and domain, and forgets them.
func (c *Collector) Take() []Ready {
	now := c.now()
	return c.take(now.Truncate(day).Unix(), now.Unix())
}

// TakeAll is Take with today's, whose time ends now: for a program that ends.
func (c *Collector) TakeAll() []Ready { return c.take(1<<63-1, c.now().Unix()) }

func (c *Collector) now() time.Time {
	if c.Now != nil {
		return c.Now().UTC()
	}
	return time.Now().UTC()
}

func (c *Collector) take(before, now int64) []Ready {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Ready
	for begin, domains := range c.days {
		if begin >= before {
			continue
		}
		end := min(begin+int64(day/time.Second)-1, now)
		for name, d := range domains {
			out = append(out, Ready{c.feedback(begin, end, name, d), d.record.AggregateTo})
		}
		delete(c.days, begin)
	}
	slices.SortFunc(out, func(a, b Ready) int {
		return cmp.Or(cmp.Compare(a.Feedback.Metadata.Begin, b.Feedback.Metadata.Begin), cmp.Compare(a.Feedback.Policy.Domain, b.Feedback.Policy.Domain))
	})
	return out
}

func (c *Collector) feedback(begin, end int64, name string, d *domain) *Feedback {
	rec := d.record
	mode := map[bool]string{true: "s", false: "r"}
	f := &Feedback{
		Version: "1.0",
		Metadata: Metadata{Organization: c.Organization, Email: c.Email, Contact: c.Contact, ID: strings.ToLower(rand.Text()),
			Begin: Seconds(begin), End: Seconds(end)},
		Policy: Policy{Domain: name, DKIM: mode[rec.StrictDKIM], SPF: mode[rec.StrictSPF], Policy: rec.Policy, Subdomain: cmp.Or(rec.Subdomain, rec.Policy),
			NonExistent: rec.NonExistent, Percent: rec.Percent, FailureOpts: strings.Join(rec.FailureOpts, ":")},
	}
	if d.lost {
		f.Metadata.Errors = []string{"there were more different messages than are counted"}
	}
	keys := make([]string, 0, len(d.rows))
	for k := range d.rows {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		f.Records = append(f.Records, *d.rows[k])
	}
	return f
}
