package server_test

import (
	"crypto/tls"
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/buuta/mail/internal/peers"
	"github.com/stretchr/testify/require"
)

// Who gets in by certificate, and with whose password, is as with Debian's Dovecot: in IMAP, with auth_ssl_require_client_cert and without.
func TestCertificateLoginsAreDovecots(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // its auth is not root
		require.NoError(t, os.Chmod(d, 0o755))
	}
	ca, other := newAuthority(t, dir+"/ca.pem"), newAuthority(t, dir+"/other.pem")
	require.NoError(t, tlscert.SelfSigned(dir+"/tls.pem", time.Now(), "localhost"))
	one, _ := ca.issue("user1")
	nobody, _ := ca.issue("nobody")
	forged, _ := other.issue("user1")
	// Dovecot's EXTERNAL checks an empty password: users need nopassword there.
	require.NoError(t, os.WriteFile(dir+"/external", []byte("user1:::::::nopassword=y\nuser2:::::::nopassword=y\n"), 0o644))
	enc := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, required := range []string{"no", "yes"} {
		theirs := peers.Dovecot(t, `ssl = yes
ssl_cert = <`+dir+`/tls.pem
ssl_key = <`+dir+`/tls.pem
ssl_ca = <`+dir+`/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_require_client_cert = `+required+`
auth_ssl_username_from_cert = yes
auth_mechanisms = plain external
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
passdb {
  driver = passwd-file
  mechanisms = external
  args = username_format=%u `+dir+`/external
}
`)
		home := t.TempDir()
		users(t, home, "user1:{PLAIN}"+peers.Password+"\nuser2:{PLAIN}"+peers.Password+"x\n")
		r := &running{t: t, dir: home}
		r.run(append(base(home), "ssl_verify_client_cert=yes", "ssl_ca=<"+dir+"/ca.pem", "auth_ssl_require_client_cert="+required, "auth_ssl_username_from_cert=yes", "auth_mechanisms=plain external")...)
		for name, tt := range map[string]struct {
			cert    tls.Certificate
			command string
		}{
			"good":                        {cert: one, command: "AUTHENTICATE EXTERNAL ="},
			"good, named":                 {cert: one, command: "AUTHENTICATE EXTERNAL " + enc("user1")},
			"as another":                  {cert: one, command: "AUTHENTICATE EXTERNAL " + enc("user2")},
			"nobody":                      {cert: nobody, command: "AUTHENTICATE EXTERNAL ="},
			"another authority":           {cert: forged, command: "AUTHENTICATE EXTERNAL ="},
			"none":                        {command: "AUTHENTICATE EXTERNAL " + enc("user1")},
			"password":                    {cert: one, command: "AUTHENTICATE PLAIN " + plain("user1", peers.Password)},
			"another name, own password":  {cert: one, command: "AUTHENTICATE PLAIN " + plain("user2", peers.Password)},
			"another name and password":   {cert: one, command: "AUTHENTICATE PLAIN " + plain("user2", peers.Password+"x")},
			"password, none":              {command: "AUTHENTICATE PLAIN " + plain("user1", peers.Password)},
			"password, another authority": {cert: forged, command: "AUTHENTICATE PLAIN " + plain("user1", peers.Password)},
		} {
			said := make([]bool, 2)
			for i, addr := range []string{theirs.IMAP, r.s.Addrs("imap_listen")[0].String()} {
				c, err := net.Dial("tcp", addr)
				require.NoError(t, err)
				require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
				y := newTypist(t, c)
				y.until("* OK")
				y.say("a STARTTLS", "a OK")
				require.NoError(t, y.showing(tt.cert))
				said[i] = strings.Contains(y.say("b "+tt.command, "b OK", "b NO", "b BAD"), "b OK")
				y.c.Close()
			}
			require.Equal(t, said[0], said[1], "%s, required %s", name, required)
		}
		theirs.Stop()
		r.end()
	}
}
