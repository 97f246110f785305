package spf_test

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/pypeer"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

// Debian's python3-spf has the same results and explanations for all cases, but for those that say why not.
func TestLikePyspf(t *testing.T) {
	server, err := nameserver.Start(mailauthtest.MustParse(""))
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(server.Addr)
	peer := pypeer.Start(t, "python3-spf and python3-dnspython", "testdata/pyspf.py", port)
	differ := 0
	for _, c := range tables() {
		server.SetZone(mailauthtest.MustParse(c.zone))
		var a struct {
			Result authres.Code
			Text   string
		}
		peer.Ask(map[string]string{"IP": c.ip, "From": c.from, "Helo": c.helo}, &a)
		want := c.want
		if c.pyspf != "" {
			want = c.pyspf
			differ++
			require.NotEmpty(t, c.why, c.clause)
			require.NotEqual(t, c.want, c.pyspf, c.clause)
		}
		if a.Result != want {
			t.Errorf("%s\n%s%s from %s: pyspf says %s (%s), the case %s", c.clause, strings.TrimPrefix(c.zone, appendixA), c.ip, c.from, a.Result, a.Text, want)
		}
		if c.exp != "" && c.why == "" && a.Text != c.exp {
			t.Errorf("%s: pyspf explains %q, the case %q", c.clause, a.Text, c.exp)
		}
	}
	t.Logf("%d cases, of which %d differ", len(tables()), differ)
}
