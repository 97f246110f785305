package dmarc_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/internal/pypeer"
)

// Debian's libopendmarc does the same with the messages of all cases, but for those that say why not. Its fake records stay, so each case
// has a domain of its own.
func TestLikeOpenDMARC(t *testing.T) {
	peer := pypeer.Start(t, "libopendmarc2", "testdata/opendmarc.py")
	example := regexp.MustCompile(`(?i)\bexample\.com\b`)
	differ := 0
	for i, c := range tables() {
		own := func(s string) string { return example.ReplaceAllString(s, fmt.Sprintf("example%d.com", i)) }
		var q struct {
			From, SPF, SPFDomain string
			Records, DKIM        [][2]string
		}
		for line := range strings.Lines(own(c.zone)) {
			if name, text, ok := strings.Cut(strings.TrimSpace(line), " TXT "); ok {
				q.Records = append(q.Records, [2]string{name, text})
			}
		}
		c.from, c.spf, c.dkim = own(c.from), own(c.spf), own(c.dkim)
		id := c.identities()
		q.From, q.SPF, q.SPFDomain = strings.ToLower(id.From[0]), string(id.SPF), id.SPFDomain
		for _, d := range id.DKIM {
			q.DKIM = append(q.DKIM, [2]string{string(d.Result), d.Domain})
		}
		var a struct {
			Query, Enforce string
			Code           int
		}
		peer.Ask(&q, &a)
		got := map[int]string{14: "absent", 15: "pass", 16: "reject", 17: "quarantine", 18: "none"}[a.Code]
		want := string(c.policy)
		switch c.want {
		case pass:
			want = "pass"
		case none:
			want = "absent"
		case temperror, permerror:
			require.NotEmpty(t, c.opendmarc, c.clause)
		}
		if c.opendmarc != "" {
			require.NotEmpty(t, c.why, c.clause)
			require.True(t, c.opendmarc != want || c.want == temperror || c.want == permerror, c.clause)
			want = c.opendmarc
			differ++
		}
		if got != want {
			t.Errorf("%s\n%s: OpenDMARC says %s (%s; %s), want %s", c.clause, c.zone, got, a.Query, a.Enforce, want)
		}
	}
	t.Logf("%d cases, of which %d differ", len(tables()), differ)
}
