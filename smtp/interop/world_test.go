package interop_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// How long something is waited for, and how often it is looked for.
const patience, tick = 30 * time.Second, 20 * time.Millisecond

// lack skips a test for want of something, or fails it where everything has to be there.
func lack(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// program returns the path of a program that we did not write.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name
		_, err = os.Stat(path)
	}
	if err != nil {
		lack(t, name+" is missing")
	}
	return path
}

// run runs a program to its end, a minute at most, and returns what it wrote and its exit status.
func run(t testing.TB, dir, stdin, name string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// folder makes a directory that every user may enter, because the mail servers give up root.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "interop-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

// freePort returns a port of the loopback address that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// listens reports whether somebody answers at addr.
func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// identity is a certificate for this machine, as a server wants it and as clients trust it.
type identity struct {
	server, client *tls.Config
	cert, key      string // PEM
}

// newIdentity makes a certificate for localhost, 127.0.0.1 and mx.example.test.
func newIdentity(t testing.TB) *identity {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048) // OpenSMTPD with OpenSSL 3 can't do with a key on an elliptic curve
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "mx.example.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true,
		DNSNames: []string{"localhost", "mx.example.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	id := &identity{
		cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}
	pair, err := tls.X509KeyPair([]byte(id.cert), []byte(id.key))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(id.cert)))
	id.server = &tls.Config{Certificates: []tls.Certificate{pair}}
	id.client = &tls.Config{RootCAs: pool, ServerName: "localhost"}
	return id
}

var letters atomic.Int64

// letter is a message with everything in it that ever went wrong on the way, and the name by which it is found again.
type letter struct {
	id   string
	text string // with CRLF line ends
}

// newLetter makes a message of at least size octets.
func newLetter(size int) letter {
	l := letter{id: fmt.Sprintf("%d.%d@client.example", os.Getpid(), letters.Add(1))}
	var b strings.Builder
	b.WriteString("From: Sender <sender@client.example>\r\nTo: reader@example.test\r\nSubject: =?utf-8?q?Th=C6=B0?=\r\n" +
		"Date: Tue, 01 Sep 2026 10:00:00 +0700\r\nMessage-ID: <" + l.id + ">\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
		".\r\n..\r\n.dot\r\n...\r\n\r\nFrom here\r\n>From there\r\ntrailing \t \r\n8 bits: thư điện tử\r\n" +
		strings.Repeat("x", 998) + "\r\n." + strings.Repeat("y", 997) + "\r\n\tMAIL FROM:<a@b>\r\nQUIT\r\nBDAT 10 LAST\r\n")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%s%06d 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n", [...]string{"", ".", ".."}[i%3], i)
	}
	b.WriteString("\r\n.\r\n\r\n")
	l.text = b.String()
	return l
}

func (l letter) reader() *strings.Reader { return strings.NewReader(l.text) }

// unix is the text with LF line ends.
func (l letter) unix() string { return strings.ReplaceAll(l.text, "\r\n", "\n") }
