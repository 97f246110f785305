package arc_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/arc"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/forge"
	"github.com/buuta/mail/smtp/mailauth/internal/pypeer"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

type dkimpy struct {
	*pypeer.Peer
	server *nameserver.Server
}

type answer struct {
	Result authres.Code
	Text   string
	Fields string
}

func startDkimpy(t *testing.T) *dkimpy {
	server, err := nameserver.Start(mailauthtest.MustParse(""))
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(server.Addr)
	return &dkimpy{pypeer.Start(t, "python3-dkim, python3-nacl and python3-dnspython", "testdata/dkimpy.py", port), server}
}

// Debian's python3-dkim finds the same of all chains, but for those that say why not.
func TestLikeDkimpy(t *testing.T) {
	peer := startDkimpy(t)
	key := rsaKey(t)
	differ := 0
	for _, c := range cases {
		message, zone := c.build(t, key)
		peer.server.SetZone(mailauthtest.MustParse(zone))
		var a answer
		peer.Ask(map[string][]byte{"Message": []byte(message)}, &a)
		want := c.want
		if c.dkimpy != "" {
			require.NotEmpty(t, c.why, c.clause)
			require.NotEqual(t, want, c.dkimpy, c.clause)
			want = c.dkimpy
			differ++
		}
		if a.Result != want {
			t.Errorf("%s: dkimpy says %s %s, want %s\n%s", c.clause, a.Result, a.Text, want, message)
		}
	}
	t.Logf("%d cases, of which %d differ", len(cases), differ)
}

// A chain that we and dkimpy seal in turns holds for both.
func TestSealedInTurns(t *testing.T) {
	peer := startDkimpy(t)
	key := rsaKey(t).(*rsa.PrivateKey)
	zone := mailauthtest.MustParse("s._domainkey.mx.example TXT v=DKIM1; p=" + forge.Record(t, key))
	peer.server.SetZone(zone)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	message := original
	v := &arc.Verifier{Resolver: zone}
	for n := 1; n <= 6; n++ {
		r, err := v.Verify(t.Context(), strings.NewReader(message))
		require.NoError(t, err)
		if n%2 == 1 {
			s := &dkim.Signer{Domain: "mx.example", Selector: "s", Key: key, SimpleBody: n == 3, SimpleHeader: n == 5}
			fields, err := arc.Seal(strings.NewReader(message), s, &authres.Results{ServID: "mx.example"}, r, dkim.Limits{})
			require.NoError(t, err)
			message = fields + message
		} else {
			found := &authres.Results{ServID: "mx.example", Methods: []authres.Method{r.Method()}} // dkimpy makes AAR and cv= of it
			var a answer
			peer.Ask(map[string]any{"Message": []byte(found.String() + message), "Key": private, "Selector": "s", "Domain": "mx.example"}, &a)
			require.NotEmpty(t, a.Fields, a.Text)
			message = a.Fields + message
		}
		r, err = v.Verify(t.Context(), strings.NewReader(message))
		require.NoError(t, err)
		require.NoError(t, r.Err, message)
		require.Len(t, r.Sets, n)
		require.Zero(t, r.OldestPass)
		var a answer
		peer.Ask(map[string][]byte{"Message": []byte(message)}, &a)
		require.Equal(t, pass, a.Result, "%s\n%s", a.Text, message)
	}
}
