package server_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// authority issues certificates to clients.
type authority struct {
	t    *testing.T
	key  crypto.Signer
	cert *x509.Certificate
}

func newAuthority(t *testing.T, file string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	c, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	return &authority{t, key, c}
}

// issue makes a client's certificate, and returns it as a file too.
func (a *authority) issue(cn string) (tls.Certificate, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: cn}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	require.NoError(a.t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	file := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, file
}

// showing goes on in TLS with a certificate; none where it has no key.
func (y *typist) showing(c tls.Certificate) error {
	conf := &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }}
	tc := tls.Client(y.c, conf)
	if err := tc.Handshake(); err != nil {
		return err
	}
	y.c, y.r = tc, bufio.NewReader(tc)
	return nil
}

// What who may do by his certificate is what Debian's Postfix lets him do, and the log says the same of each connection.
func TestRelayByCertificate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	ca, other := newAuthority(t, dir+"/ca.pem"), newAuthority(t, dir+"/other.pem")
	require.NoError(t, tlscert.SelfSigned(dir+"/tls.pem", time.Now(), "mail.example.test"))
	certs := map[string]tls.Certificate{"nobody": {}}
	prints := map[string][2]string{}
	for _, name := range []string{"by cert", "by key", "known authority", "access by cert", "access by key"} {
		certs[name], _ = ca.issue(name)
	}
	for _, name := range []string{"stranger", "stranger by cert"} {
		certs[name], _ = other.issue(name)
	}
	for name, c := range certs {
		if c.Leaf != nil {
			cert, key := clientcert.Fingerprints(c.Leaf, "sha256")
			prints[name] = [2]string{cert, key}
		}
	}
	params := []string{
		"compatibility_level=3.6", "myhostname=mail.example.test", "smtpd_tls_cert_file=" + dir + "/tls.pem", "smtpd_tls_security_level=may", "smtpd_tls_ask_ccert=yes", "smtpd_tls_loglevel=1", "smtpd_tls_CAfile=" + dir + "/ca.pem",
		"smtpd_tls_fingerprint_digest=sha256", "mynetworks=192.0.2.0/24", "mydestination=mail.example.test",
		"relay_clientcerts=inline:{ {" + prints["by cert"][0] + " = x} {" + prints["by key"][1] + " = x} {" + prints["stranger by cert"][0] + " = x} }",
	}
	for _, tt := range []struct{ restrictions, may string }{
		{"permit_tls_clientcerts, reject", "by cert|by key|stranger by cert"},
		{"permit_tls_all_clientcerts, reject", "by cert|by key|stranger by cert|known authority|access by cert|access by key"},
		{"check_ccert_access inline:{ {" + prints["access by cert"][0] + " = OK} {" + prints["access by key"][1] + " = OK} {" + prints["stranger"][0] + " = 554 5.7.9 go away} }, reject", "access by cert|access by key"},
	} {
		params := append(params, "smtpd_relay_restrictions="+tt.restrictions)
		theirs := peers.Postfix(t, "header_checks = static:HOLD\n"+strings.Join(params, "\n")+"\n", nil)
		ours := start(t, params...)
		for name, c := range certs {
			var said [2]string
			for i, addr := range []string{theirs.SMTP, ours.s.Addrs("smtp_listen")[0].String()} {
				conn, err := net.Dial("tcp", addr)
				require.NoError(t, err)
				require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
				y := newTypist(t, conn)
				y.until("220 ")
				y.say("EHLO c.test", "250 ")
				y.say("STARTTLS", "220 ")
				require.NoError(t, y.showing(c))
				y.say("EHLO c.test", "250 ")
				y.say("MAIL FROM:<s@far.test>", "250 ")
				said[i] = y.say("RCPT TO:<r@elsewhere.test>", "2", "4", "5")
				y.say("QUIT", "221 ")
			}
			require.Equal(t, said[0], said[1], "%s: %s", tt.restrictions, name)
			require.Equal(t, strings.Contains("|"+tt.may+"|", "|"+name+"|"), strings.HasPrefix(said[1], "250 "), "%s: %s", tt.restrictions, name)
		}
		kinds := regexp.MustCompile(`(\w+) TLS connection established from \w+\[127\.0\.0\.1\]: (TLSv1\.3) with cipher \w+ \(\d+/\d+ bits\) key-exchange (\w+)`)
		sums := func(log string) map[string]int {
			out := map[string]int{}
			for _, m := range kinds.FindAllStringSubmatch(log, -1) {
				out[m[1]+" "+m[2]]++
			}
			return out
		}
		want := map[string]int{"Anonymous TLSv1.3": 1, "Trusted TLSv1.3": 5, "Untrusted TLSv1.3": 2}
		require.Equal(t, want, sums(ours.log()))
		require.Eventually(t, func() bool {
			b, err := os.ReadFile(theirs.Dir + "/maillog")
			return err == nil && len(sums(string(b))) == len(want) && sums(string(b))["Trusted TLSv1.3"] == 5
		}, 10*time.Second, 20*time.Millisecond)
		theirs.Stop()
		ours.end()
	}
}

// smtpd_tls_req_ccert: who has no certificate of an authority gets no session where TLS is a must, and the Received field says who had one.
func TestCertificateRequired(t *testing.T) {
	dir := t.TempDir()
	ca, other := newAuthority(t, dir+"/ca.pem"), newAuthority(t, dir+"/other.pem")
	good, _ := ca.issue("anna")
	bad, _ := other.issue("anna")
	r := start(t, "smtpd_tls_req_ccert=yes", "smtpd_tls_security_level=encrypt", "smtpd_tls_CAfile="+dir+"/ca.pem")
	begin := func() *typist {
		y := r.dial("smtp_listen")
		y.until("220 ")
		y.say("EHLO c.test", "250 ")
		y.say("STARTTLS", "220 ")
		return y
	}
	for _, c := range []tls.Certificate{{}, bad} {
		y := begin()
		if err := y.showing(c); err == nil { // TLS 1.3: the client learns of it when it reads
			_, err := y.r.ReadString('\n')
			require.Error(t, err)
		}
	}
	r.logged(`postfix/smtpd\[\d+\]: SSL_accept error from localhost\[127\.0\.0\.1\]: tls: client didn't provide a certificate\n`)
	r.logged(`postfix/smtpd\[\d+\]: SSL_accept error from localhost\[127\.0\.0\.1\]: tls: failed to verify certificate: x509: `)
	y := begin()
	require.NoError(t, y.showing(good))
	y.say("EHLO c.test", "250 ")
	require.Contains(t, y.mail("alice@example.test"), "250 2.0.0 Ok: queued as ")
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN alice secret", "a OK")
	i.say("b SELECT INBOX", "b OK")
	require.Contains(t, i.say("c FETCH 1 BODY[HEADER.FIELDS (RECEIVED)]", "c OK"), "\n\t(Client CN \"anna\", Issuer \"Test CA\" (verified OK))\n")
}

// RFC 4422 appendix A, in SMTP, IMAP and POP3: the certificate is enough, and is its user's alone.
func TestExternal(t *testing.T) {
	dir := t.TempDir()
	ca, other := newAuthority(t, dir+"/ca.pem"), newAuthority(t, dir+"/other.pem")
	alice, _ := ca.issue("alice@example.test")
	nobody, _ := ca.issue("nobody@example.test")
	forged, _ := other.issue("alice@example.test")
	params := []string{"smtpd_tls_ask_ccert=yes", "smtpd_tls_CAfile=" + dir + "/ca.pem", "ssl_verify_client_cert=yes", "auth_ssl_username_from_cert=yes", "auth_mechanisms=plain login external"}
	r := start(t, params...)
	as := func(who string) string { return base64.StdEncoding.EncodeToString([]byte(who)) }
	talk := func(param, hello, capability, good string, c tls.Certificate, command string) string {
		a := r.s.Addrs(param)[0]
		conn, err := net.Dial(a.Network(), a.String())
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		y := newTypist(t, conn)
		require.NoError(t, y.showing(c))
		y.until(hello)
		offered := y.say(capability, good)
		require.Equal(t, c.Leaf != nil && c.Leaf.Issuer.CommonName == "Test CA" && c.Leaf != forged.Leaf, strings.Contains(offered, "EXTERNAL"), "%s", offered)
		said := y.say(command, "2", "4", "5", "b ", "+OK", "-ERR")
		_, err = io.WriteString(y.c, "QUIT\r\nz LOGOUT\r\n")
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, y.r) // until the maildrop is free again
		return said
	}
	for _, p := range []struct {
		param, hello, capability, good string
		command                        func(who string) string
		ok                             string
	}{
		{"submissions_listen", "220 ", "EHLO c.test", "250 ", func(who string) string { return "AUTH EXTERNAL " + who }, "235 "},
		{"imaps_listen", "* OK", "a CAPABILITY", "a OK", func(who string) string { return "b AUTHENTICATE EXTERNAL " + who }, "b OK"},
		{"pop3s_listen", "+OK", "CAPA", ".", func(who string) string { return "AUTH EXTERNAL " + who }, "+OK"},
	} {
		for _, tt := range []struct {
			c   tls.Certificate
			who string
			ok  bool
		}{
			{alice, "=", true}, {alice, as("alice@example.test"), true}, {alice, as("Alice"), true},
			{alice, as("bob@example.test"), false}, // "the client's authentication identity … authorized to act as"
			{nobody, "=", false}, {forged, "=", false}, {forged, as("alice@example.test"), false}, {tls.Certificate{}, as("alice@example.test"), false},
		} {
			got := talk(p.param, p.hello, p.capability, p.good, tt.c, p.command(tt.who))
			require.Equal(t, tt.ok, strings.HasPrefix(got, p.ok), "%s %s: %s", p.param, tt.who, got)
		}
	}
	// auth_ssl_username_from_cert: a password must be that of the certificate's user.
	command := func(user, password string) string { return "b LOGIN " + user + " " + password }
	require.Contains(t, talk("imaps_listen", "* OK", "a CAPABILITY", "a OK", alice, command("bob@example.test", "geheim")), "b NO")
	require.Contains(t, talk("imaps_listen", "* OK", "a CAPABILITY", "a OK", alice, command("bob@example.test", "secret")), "b OK")
	r.logged(`imap-login: Login: user=<alice@example\.test>, method=PLAIN`)
	require.NotContains(t, r.log(), "Login: user=<bob@example.test>")
	require.Contains(t, talk("imaps_listen", "* OK", "a CAPABILITY", "a OK", forged, command("bob@example.test", "geheim")), "b OK", "as if it had none")
	r.end()

	// auth_ssl_require_client_cert
	r.run(append(append(base(r.dir), params...), "auth_ssl_require_client_cert=yes")...)
	require.Contains(t, talk("imaps_listen", "* OK", "a CAPABILITY", "a OK", tls.Certificate{}, command("alice@example.test", "secret")), "b NO")
	require.Contains(t, talk("imaps_listen", "* OK", "a CAPABILITY", "a OK", forged, command("alice@example.test", "secret")), "b NO")
	require.Contains(t, talk("imaps_listen", "* OK", "a CAPABILITY", "a OK", alice, command("alice@example.test", "secret")), "b OK")
	i := r.dial("imap_listen") // from this machine, without TLS
	i.until("* OK")
	i.say("a LOGIN alice secret", "a NO")
	r.end()
	for want, bad := range map[string][]string{
		"auth_mechanisms: external needs auth_ssl_username_from_cert = yes": {"auth_mechanisms=external"},
		"auth_ssl_require_client_cert: needs ssl_verify_client_cert":        {"auth_ssl_require_client_cert=yes"},
		"ssl_verify_client_cert: needs ssl_ca":                              {"ssl_verify_client_cert=yes"},
		"ssl_ca: ":                                                          {"ssl_verify_client_cert=yes", "ssl_ca=</nonexistent"},
		"smtpd_tls_CAfile: ":                                                {"smtpd_tls_ask_ccert=yes", "smtpd_tls_CAfile=/nonexistent"},
	} {
		_, err := server.Open(load(t, append(base(t.TempDir()), append(bad, "passwd_file=/dev/null")...)...), server.Options{})
		require.ErrorContains(t, err, want)
	}
}

// smtp_tls_chain_files is shown to servers that ask, also to one that names other authorities.
func TestShowsCertificate(t *testing.T) {
	dir := t.TempDir()
	ca, other := newAuthority(t, dir+"/ca.pem"), newAuthority(t, dir+"/other.pem")
	own, file := ca.issue("mail.example.test")
	require.NoError(t, os.WriteFile(dir+"/own.pem", file, 0o600))
	f := smtptest.NewServer(t)
	f.UseTLS()
	f.Config.TLSConfig.ClientAuth, f.Config.TLSConfig.ClientCAs = tls.RequireAnyClientCert, x509.NewCertPool()
	f.Config.TLSConfig.ClientCAs.AddCert(other.cert)
	seen := make(chan *x509.Certificate, 1)
	f.Config.Hooks.Secured = func(_ *smtp.Conn, state *tls.ConnectionState, err error) {
		if err == nil && len(state.VerifiedChains) == 0 {
			seen <- state.PeerCertificates[0]
		}
	}
	host, port, err := net.SplitHostPort(f.Addr())
	require.NoError(t, err)
	r := start(t, "relayhost=["+host+"]:"+port, "smtp_tls_chain_files="+dir+"/own.pem")
	r.send("alice@example.test", "x@far.test", note)
	require.Equal(t, []string{"x@far.test"}, recipients(sent(t, f, 1)))
	require.Equal(t, own.Leaf.Raw, (<-seen).Raw)
}
