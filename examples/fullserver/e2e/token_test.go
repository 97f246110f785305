package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// TestTokens: access tokens of an OpenID Connect issuer, whose keys the server fetches, by curl and by Python's imaplib, smtplib and poplib.
func TestTokens(t *testing.T) {
	need(t, "curl", "python3")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	var url string
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": url, "jwks_uri": url + "/keys"})
		case "/keys":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k", Use: "sig"}}})
		default:
			http.NotFound(w, r)
		}
	}))
	defer issuer.Close()
	url = issuer.URL
	sign := func(k *ecdsa.PrivateKey, email string, exp time.Duration) string {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k}, new(jose.SignerOptions).WithType("at+jwt").WithHeader("kid", "k"))
		require.NoError(t, err)
		b, err := json.Marshal(map[string]any{"iss": url, "sub": "1", "email": email, "aud": "mail", "scope": "openid mail", "exp": time.Now().Add(exp).Unix()})
		require.NoError(t, err)
		o, err := s.Sign(b)
		require.NoError(t, err)
		text, err := o.CompactSerialize()
		require.NoError(t, err)
		return text
	}
	file := t.TempDir() + "/oauth2.conf.ext"
	require.NoError(t, os.WriteFile(file, []byte("introspection_mode = local\nopenid_configuration_url = "+url+"/.well-known/openid-configuration\nclient_id = mail\nclient_secret = x\nscope = mail\n"), 0o600))
	s := start(t, 2, "passdb", "passwd-file:$passwd_file, oauth2:"+file, "auth_mechanisms", "plain login oauthbearer xoauth2", "auth_failure_delay", "0")
	good := sign(key, "u0@example.test", time.Hour)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)

	python(t, "token.py", s.imap, s.submission, s.pop3, "u0@example.test", good, "good")
	eventually(t, time.Minute, func() error { // the mail that it has sent
		return exec.Command("curl", "-sSf", "imap://"+s.imap+"/INBOX;UID=2", "-u", "u0@example.test", "--oauth2-bearer", good, "-o", "/dev/null").Run()
	})
	for _, options := range [][]string{nil, {"--login-options", "AUTH=XOAUTH2"}} {
		args := append([]string{"-sS", "-u", "u0@example.test", "--oauth2-bearer", good}, options...)
		require.Contains(t, run(t, nil, "curl", append(args, "imap://"+s.imap+"/INBOX;UID=1")...), "Subject: by token")
		require.Contains(t, run(t, nil, "curl", append(args, "pop3://"+s.pop3+"/1")...), "Subject: by token")
		run(t, []byte("Subject: from curl\r\n\r\nx\r\n"), "curl", append(args, "smtp://"+s.submission, "--mail-from", "u0@example.test", "--mail-rcpt", "u1@example.test", "-T", "-")...)
	}
	t.Run("bad", func(t *testing.T) { // each takes seconds: the servers wait before they say no
		for name, bad := range map[string][2]string{
			"expired":     {"u0@example.test", sign(key, "u0@example.test", -time.Second)},
			"another key": {"u0@example.test", sign(other, "u0@example.test", time.Hour)},
			"another's":   {"u1@example.test", good},
			"nobody's":    {"nobody@example.test", sign(key, "nobody@example.test", time.Hour)},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				python(t, "token.py", s.imap, s.submission, s.pop3, bad[0], bad[1], "bad")
			})
		}
	})
	require.Contains(t, run(t, nil, "curl", "-sS", "-u", "u1@example.test:secret1", "imap://"+s.imap+"/INBOX;UID=1"), "from curl", "passwords still are what they were")
	log := s.log()
	require.Contains(t, log, "it has expired")
	for part := range strings.SplitSeq(good, ".") {
		require.NotContains(t, log, part, "no token stands in the log")
	}
}
