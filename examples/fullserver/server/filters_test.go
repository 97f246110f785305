package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/stretchr/testify/require"
)

// daemon runs a program in the foreground until the test ends, and waits until it listens.
func daemon(t *testing.T, addr, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%s is not there: .ci/deps installs it", name)
	}
	if os.Getuid() != 0 {
		t.Skip("these daemons are started as root")
	}
	cmd := exec.Command(path, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, out.String())
		}
	})
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	require.Eventually(t, func() bool {
		c, err := net.Dial(network, addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, 60*time.Second, 20*time.Millisecond, "%s doesn't listen", name)
}

// folder is one that programs that give up root can read.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "filter")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "$D", dir)), 0o644))
	}
	return dir
}

func local(port string) string { return "127.0.0.1:" + port }

// loosePort is one that is free.
func loosePort(t *testing.T) string {
	_, p, err := net.SplitHostPort(freePort(t))
	require.NoError(t, err)
	return p
}

// keys is a resolver that knows one key.
type keys map[string]string

func (k keys) LookupTXT(_ context.Context, name string) ([]string, error) {
	if v, ok := k[strings.TrimSuffix(name, ".")]; ok {
		return []string{v}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// Debian's OpenDKIM signs what goes out, and the signature is right, for all that was added to the message.
func TestOpenDKIM(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	port := loosePort(t)
	dir := folder(t, map[string]string{"key": string(text), "conf": "Socket inet:" + port + "@127.0.0.1\nDomain example.test\nKeyFile $D/key\nSelector s1\nMode s\nInternalHosts 127.0.0.1\nBackground no\nSyslog no\nRequireSafeKeys no\nCanonicalization relaxed/simple\n"})
	daemon(t, local(port), "opendkim", "-f", "-x", dir+"/conf")
	f, relay := far(t)
	r := start(t, relay, "smtpd_milters=inet:"+local(port))
	r.send("alice@example.test", "x@far.test", "From: alice@example.test\r\nSubject: signed\r\n\r\nhello\r\n.dot\r\n")
	m := sent(t, f, 1)[0]
	require.Contains(t, string(m.Data), "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.test; s=s1;")
	v := &dkim.Verifier{Resolver: keys{"s1._domainkey.example.test": "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)}}
	signatures, err := v.Verify(t.Context(), bytes.NewReader(m.Data))
	require.NoError(t, err)
	require.Len(t, signatures, 1)
	require.Equal(t, "pass", fmt.Sprint(signatures[0].Result), "%+v", signatures[0])
}

// eicar is the file that scanners find in place of a virus.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

// Debian's ClamAV finds what its one signature knows, in an attachment too, and the message is refused.
func TestClamAV(t *testing.T) {
	port := loosePort(t)
	dir := folder(t, map[string]string{
		"db/test.ndb": "Eicar-Test:0:*:" + hex.EncodeToString([]byte(eicar)) + "\n",
		"clamd.conf":  "LocalSocket $D/clamd.sock\nDatabaseDirectory $D/db\nForeground yes\nUser root\nLogSyslog no\n",
		"milter.conf": "MilterSocket inet:" + port + "@127.0.0.1\nClamdSocket unix:$D/clamd.sock\nForeground yes\nUser root\nOnInfected Reject\nRejectMsg virus %v\nAddHeader Replace\n",
	})
	daemon(t, dir+"/clamd.sock", "clamd", "-c", dir+"/clamd.conf")
	daemon(t, local(port), "clamav-milter", "-c", dir+"/milter.conf")
	r := start(t, "smtpd_milters=inet:"+local(port))
	say := func(body string) string {
		m := r.dial("smtp_listen")
		m.until("220 ")
		m.say("EHLO c.test", "250 ")
		m.say("MAIL FROM:<s@far.test>", "250 ")
		m.say("RCPT TO:<alice@example.test>", "250 ")
		m.say("DATA", "354 ")
		return m.say(body+"\r\n.", "2", "4", "5")
	}
	require.Contains(t, say("Subject: clean\r\n\r\nhello"), "250 2.0.0 Ok: queued as ")
	require.Contains(t, r.inbox("alice", "secret", 1), "X-Virus-Scanned: clamav-milter ")
	infected := "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(eicar)) + "\r\n--b--"
	require.Contains(t, say(infected), "550 5.7.1 virus Eicar-Test")
	r.logged(`milter-reject: END-OF-MESSAGE from [^ ]+\[127\.0\.0\.1\]: 5\.7\.1 virus Eicar-Test`)
}

// Debian's rspamd marks mail, and refuses the text that stands for spam.
func TestRspamd(t *testing.T) {
	port := loosePort(t)
	dir := folder(t, map[string]string{"tld": "test\n", "conf": `options { pidfile = "$D/pid"; url_tld = "$D/tld"; hs_cache_dir = "$D/"; disable_hyperscan = true; filters = ""; gtube_patterns = "reject"; dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; } }
logging { type = "console"; level = "warning"; }
actions { reject = 15; add_header = 6; }
lua = "/usr/share/rspamd/rules/rspamd.lua";
modules { path = "/usr/share/rspamd/plugins/"; }
milter_headers { use = ["x-spamd-result"]; skip_local = false; skip_authenticated = false; }
worker "rspamd_proxy" { bind_socket = "` + local(port) + `"; milter = yes; timeout = 30s; count = 1; upstream "local" { default = yes; self_scan = yes; } }
`})
	daemon(t, local(port), "rspamd", "-f", "-i", "-u", "root", "-g", "root", "-c", dir+"/conf")
	r := start(t, "smtpd_milters=inet:"+local(port))
	const gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<s@far.test>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "250 ")
	m.say("DATA", "354 ")
	require.Contains(t, m.say("From: s@far.test\r\nTo: alice@example.test\r\nSubject: x\r\n\r\n"+gtube+"\r\n.", "2", "4", "5"), "554 5.7.1 Gtube pattern")
	m.say("MAIL FROM:<s@far.test>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "250 ")
	m.say("DATA", "354 ")
	m.say("From: s@far.test\r\nTo: alice@example.test\r\nSubject: ham\r\n\r\nhello\r\n.", "250 2.0.0 Ok: queued as ")
	require.Contains(t, r.inbox("alice", "secret", 1), "X-Spamd-Result: default: ")
}
