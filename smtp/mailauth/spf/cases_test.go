package spf_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/spf"
)

const (
	none      = authres.None
	neutral   = authres.Neutral
	pass      = authres.Pass
	fail      = authres.Fail
	softfail  = authres.SoftFail
	temperror = authres.TempError
	permerror = authres.PermError
)

// check is one check_host() and what RFC 7208 wants of it. The tables are the cases of this package's tests and of those that
// compare with pyspf.
type check struct {
	clause string // a section of RFC 7208, and its words
	zone   string // records; a line that begins with "v=spf1" is example.com's. appendixA is there besides
	ip     string // "" is 192.0.2.1
	helo   string // "" is mail.example.com
	from   string // "" is joe@example.com, "<>" the null reverse-path
	want   authres.Code
	exp    string // the explanation

	// pyspf is what Debian's python3-spf says where it is something else, and why: the words behind it.
	pyspf authres.Code
	why   string
}

// appendixA is the "DNS setup" of RFC 7208 appendix A, and A.3's.
const appendixA = `
	example.com  MX  10 mail-a.example.com
	example.com  MX  20 mail-b.example.com
	example.com  A  192.0.2.10
	example.com  A  192.0.2.11
	amy.example.com  A  192.0.2.65
	bob.example.com  A  192.0.2.66
	mail-a.example.com  A  192.0.2.129
	mail-b.example.com  A  192.0.2.130
	example.org  MX  10 mail-c.example.org
	mail-c.example.org  A  192.0.2.140
	192.0.2.10   PTR  example.com
	192.0.2.11   PTR  example.com
	192.0.2.65   PTR  amy.example.com
	192.0.2.66   PTR  bob.example.com
	192.0.2.129  PTR  mail-a.example.com
	192.0.2.130  PTR  mail-b.example.com
	192.0.2.140  PTR  mail-c.example.org
	10.0.0.4     PTR  bob.example.com
	mary.mobile-users._spf.example.com  A  127.0.0.2
	fred.mobile-users._spf.example.com  A  127.0.0.2
	15.15.168.192.joel.remote-users._spf.example.com  A  127.0.0.2
	16.15.168.192.joel.remote-users._spf.example.com  A  127.0.0.2
`

func (c *check) fill() {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&c.ip, "192.0.2.1")
	def(&c.helo, "mail.example.com")
	def(&c.from, "joe@example.com")
	if c.from == "<>" {
		c.from = ""
	}
	var b strings.Builder
	b.WriteString(appendixA)
	for line := range strings.Lines(c.zone) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(strings.ToLower(line), "v=spf") {
			line = "example.com TXT " + line
		}
		b.WriteString(line + "\n")
	}
	c.zone = b.String()
}

// now is what the macro t is expanded from.
func now() time.Time { return time.Unix(1_600_000_000, 0) }

func tables() []check {
	var out []check
	for _, list := range [][]check{recordCases, syntaxCases, mechanismCases, appendixCases, modifierCases, macroCases, limitCases} {
		for _, c := range list {
			c.fill()
			out = append(out, c)
		}
	}
	return out
}

func TestCases(t *testing.T) {
	list := tables()
	require.GreaterOrEqual(t, len(list), 120)
	for _, c := range list {
		zone, err := mailauthtest.Parse(c.zone)
		require.NoError(t, err, c.clause)
		checker := &spf.Checker{Resolver: zone, Now: now, Hostname: "mx.example.net"}
		r := checker.Check(context.Background(), netip.MustParseAddr(c.ip), c.helo, c.from)
		if r.Result != c.want || r.Explanation != c.exp {
			t.Errorf("%s\n%s\n%s from %s, HELO %s: %s %q (%v), want %s %q\nasked: %s", c.clause, strings.TrimPrefix(c.zone, appendixA),
				c.ip, c.from, c.helo, r.Result, r.Explanation, r.Err, c.want, c.exp, strings.Join(zone.Queries(), ", "))
		}
		require.Equal(t, r.Err != nil, c.want == none || c.want == temperror || c.want == permerror, c.clause)
		require.Equal(t, c.want == temperror, r.Temporary(), c.clause)
		require.LessOrEqual(t, r.Lookups, 11, c.clause)
	}
}
