package server_test

import (
	"crypto/tls"
	"os"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/stretchr/testify/require"
)

// shows returns the first name of the certificate that a listener with TLS from the start shows to who asks for a name.
func (r *running) shows(param, name string) string {
	r.t.Helper()
	a := r.s.Addrs(param)[0]
	c, err := tls.Dial(a.Network(), a.String(), &tls.Config{InsecureSkipVerify: true, ServerName: name})
	require.NoError(r.t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].DNSNames[0]
}

// Names have certificates of their own in every protocol; new files count at once, and drop no connection.
func TestCertificatesByName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"main.test", "own.test", "new.test"} {
		require.NoError(t, tlscert.SelfSigned(dir+"/"+name, time.Now(), name))
	}
	r := start(t, "smtpd_tls_chain_files="+dir+"/main.test", "tls_server_sni_maps=inline:{own.test="+dir+"/own.test}")
	for _, param := range []string{"submissions_listen", "imaps_listen", "pop3s_listen", "https_listen"} {
		require.Equal(t, "own.test", r.shows(param, "own.test"), param)
		require.Equal(t, "main.test", r.shows(param, "elsewhere.test"), param)
		require.Equal(t, "main.test", r.shows(param, ""), param)
	}
	m := r.dial("submissions_listen")
	m.until("220 ")
	require.NoError(t, os.Rename(dir+"/new.test", dir+"/own.test"))
	require.Equal(t, "new.test", r.shows("submissions_listen", "own.test"))
	r.s.Reload()
	require.Equal(t, "new.test", r.shows("imaps_listen", "own.test"))
	m.say("EHLO c.test", "250 ") // the same connection
	m.say("QUIT", "221 ")
}

// A certificate that has expired, or will soon, is told of when the server starts, and again after a reload that has brought another such.
func TestExpiryIsLogged(t *testing.T) {
	dir := t.TempDir()
	past, soon := time.Now().AddDate(-3, 0, 0), time.Now().AddDate(0, 0, 3).Add(-825*24*time.Hour)
	require.NoError(t, tlscert.SelfSigned(dir+"/old", past, "old.test"))
	require.NoError(t, tlscert.SelfSigned(dir+"/named", soon, "named.test"))
	r := start(t, "smtpd_tls_cert_file="+dir+"/old", "tls_server_sni_maps=inline:{named.test="+dir+"/named}")
	r.logged(`postfix/smtpd\[\d+\]: warning: certificate ` + dir + `/old \(old\.test\) has expired on [-\d]+ [\d:]+ UTC: renew it\n`)
	r.logged(`warning: certificate ` + dir + `/named \(named\.test\) expires in 2 days, on `)
	require.NoError(t, os.Remove(dir+"/named"))
	require.NoError(t, tlscert.SelfSigned(dir+"/named", soon.AddDate(0, 0, 2), "later.test"))
	r.s.Reload()
	r.logged(`warning: certificate ` + dir + `/named \(later\.test\) expires in 4 days, on `)
}

// What tables name stays in sight of a server that sees its own folders only: it has to be read again when it changes.
func TestKeyFilesAreSeen(t *testing.T) {
	dir, keys := t.TempDir(), t.TempDir()
	require.NoError(t, tlscert.SelfSigned(keys+"/own.pem", time.Now(), "own.test"))
	require.NoError(t, os.WriteFile(dir+"/sni", []byte("own.test "+keys+"/own.pem\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/readers", []byte("x@far.test smime:/srv/keys/x.crt\n"), 0o600))
	r := start(t, "tls_server_sni_maps=texthash:"+dir+"/sni", "seal_encrypt_maps=texthash:"+dir+"/readers")
	p, err := r.s.Paths()
	require.NoError(t, err)
	require.Contains(t, p.Read, keys)
	require.Contains(t, p.Read, "/srv/keys")
}

// A service of master.cf may show a certificate of its own.
func TestCertificateOfService(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"main.test", "other.test"} {
		require.NoError(t, tlscert.SelfSigned(dir+"/"+name, time.Now(), name))
	}
	r := withMaster(t, "smtpd_tls_cert_file = "+dir+"/main.test\n", insiders+"127.0.0.1:0 inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n  -o smtpd_tls_cert_file="+dir+"/other.test\n")
	require.Equal(t, "other.test", r.shows("127.0.0.1:0/inet", ""))
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a STARTTLS", "a OK")
	i.startTLS()
	require.Equal(t, "main.test", i.c.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0])
}
