package dmarc_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

const (
	none      = authres.None
	pass      = authres.Pass
	fail      = authres.Fail
	temperror = authres.TempError
	permerror = authres.PermError

	nothing    = dmarc.PolicyNone
	quarantine = dmarc.PolicyQuarantine
	reject     = dmarc.PolicyReject
)

// check is a message and what comes of it. Clauses are of draft-ietf-dmarc-dmarcbis-41 where no other is named.
type check struct {
	clause string
	zone   string // a line that begins with "v=DMARC1" is _dmarc.example.com's
	from   string // author domains, with commas; "" is example.com
	spf    string // "result domain"; "" is none
	dkim   string // "result domain", with commas
	want   authres.Code
	policy dmarc.Policy // Disposition; "" is none
	org    string       // OrgDomain, "" doesn't matter
	at     string       // PolicyDomain, "" doesn't matter

	// opendmarc is what Debian's OpenDMARC would do where that is something else: "pass", "reject", "quarantine", "none", or "absent"
	// for no DMARC; and why.
	opendmarc, why string
}

func (c *check) fill() {
	if c.from == "" {
		c.from = "example.com"
	}
	if c.policy == "" {
		c.policy = nothing
	}
	var b strings.Builder
	for line := range strings.Lines(c.zone) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(strings.ToLower(line), "v=") || strings.HasPrefix(line, "v ") {
			line = "_dmarc.example.com TXT " + line
		}
		b.WriteString(line + "\n")
	}
	c.zone = b.String()
}

func (c *check) identities() dmarc.Identities {
	id := dmarc.Identities{From: strings.Split(c.from, ","), SPF: none}
	if c.spf != "" {
		code, domain, _ := strings.Cut(c.spf, " ")
		id.SPF, id.SPFDomain = authres.Code(code), domain
	}
	if c.dkim != "" {
		for d := range strings.SplitSeq(c.dkim, ",") {
			code, domain, _ := strings.Cut(d, " ")
			id.DKIM = append(id.DKIM, dmarc.DKIM{Domain: domain, Result: authres.Code(code)})
		}
	}
	return id
}

func tables() []check {
	var out []check
	for _, list := range [][]check{recordCases, alignCases, walkCases, policyCases} {
		for _, c := range list {
			c.fill()
			out = append(out, c)
		}
	}
	return out
}

func TestCases(t *testing.T) {
	for _, c := range tables() {
		zone, err := mailauthtest.Parse(c.zone)
		require.NoError(t, err, c.clause)
		r := (&dmarc.Checker{Resolver: zone}).Check(t.Context(), c.identities())
		if r.Result != c.want || r.Disposition != c.policy || c.org != "" && r.OrgDomain != c.org || c.at != "" && r.PolicyDomain != c.at {
			t.Errorf("%s\n%sfrom %s, spf %s, dkim %s: %s %s org %s at %s (%v), want %s %s org %s at %s\nasked: %s", c.clause, c.zone, c.from, c.spf, c.dkim,
				r.Result, r.Disposition, r.OrgDomain, r.PolicyDomain, r.Err, c.want, c.policy, c.org, c.at, strings.Join(zone.Queries(), ", "))
		}
		require.Equal(t, c.want == temperror, r.Temporary(), c.clause)
		m := r.Method()
		require.Equal(t, r.Result, m.Result)
		if r.Domain != "" {
			require.Equal(t, r.Domain, m.Prop("header", "from"))
		}
	}
}
