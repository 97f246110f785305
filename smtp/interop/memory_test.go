package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

var connections = flag.Int("connections", 0, "idle connections to measure the memory of; 0 means 10000, but 2000 with TLS, for the time that handshakes take")

// TestMemory opens many connections to a server in a process of its own, lets each say EHLO, and divides what the process has
// grown by, as the kernel counts it, by their number. Nothing makes the server collect garbage for the occasion: the figure is
// what an operator sees.
func TestMemory(t *testing.T) {
	if _, err := os.ReadFile("/proc/self/smaps_rollup"); err != nil {
		lack(t, "there is no /proc to measure by")
	}
	if raceEnabled {
		t.Skip("the race detector's own memory would be measured")
	}
	for _, k := range []struct {
		name  string
		tls   bool
		n     int
		limit int // octets
	}{{"plain", false, 10_000, 8 << 10}, {"TLS", true, 2000, 24 << 10}} {
		t.Run(k.name, func(t *testing.T) {
			if *connections > 0 {
				k.n = *connections
			}
			openFiles(t, k.n)
			addr, pid := serveElsewhere(t, k.tls)
			// A few first, so that what a first connection costs once isn't counted.
			occupy(t, addr, k.tls, 50)()
			before := memory(t, pid)
			release := occupy(t, addr, k.tls, k.n)
			defer release()
			after := memory(t, pid)
			each := (after - before) / k.n
			t.Logf("%d idle connections, %s: %d KiB before, %d KiB after, %.1f KiB each", k.n, k.name, before>>10, after>>10, float64(each)/1024)
			require.LessOrEqual(t, each, k.limit)
		})
	}
}

// openFiles raises the number of files that this process and its children may open to what it takes.
func openFiles(t *testing.T, connections int) {
	t.Helper()
	var lim syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim))
	want := uint64(connections + 200)
	if lim.Cur >= want {
		return
	}
	lim.Cur, lim.Max = want, max(lim.Max, want)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		lack(t, fmt.Sprintf("%d files can't be open here: %v", want, err))
	}
}

// serveEnv tells a process of this program that it is TestMemory's server.
const serveEnv = "INTEROP_SERVE"

func TestMain(m *testing.M) {
	if kind := os.Getenv(serveEnv); kind != "" {
		if err := serve(kind); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is the server's process. It ends when its standard input does.
func serve(kind string) error {
	srv := &smtp.Server{Hostname: "mx.example.test", Backend: smtp.Handle(mail.DelivererFunc(discard))}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	run := srv.Serve
	if kind == "tls" {
		run = srv.ServeTLS
		if srv.TLSConfig, err = quickCertificate(); err != nil {
			return err
		}
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		srv.Close()
	}()
	fmt.Println(l.Addr())
	if err := run(l); !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

func discard(_ context.Context, _ *mail.Envelope, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// quickCertificate is one whose handshakes take little time.
func quickCertificate() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}

// serveElsewhere starts a server in a process of its own.
func serveElsewhere(t *testing.T, withTLS bool) (addr string, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), serveEnv+"="+map[bool]string{true: "tls", false: "plain"}[withTLS])
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	t.Cleanup(func() { stdin.Close() })
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "the server's process has ended")
	return strings.TrimSpace(line), cmd.Process.Pid
}

// memory returns the octets of a process's memory that are its own (its proportional set size).
func memory(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
			kib, err := strconv.Atoi(f[1])
			require.NoError(t, err)
			return kib << 10
		}
	}
	t.Fatalf("no Pss in %s", b)
	return 0
}

// occupy opens n connections, has each greeted and served, and leaves them idle until release is called.
func occupy(t *testing.T, addr string, withTLS bool, n int) (release func()) {
	t.Helper()
	conns := make([]net.Conn, n)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				c, err := visit(addr, withTLS)
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				conns[i] = c
			}
		})
	}
	wg.Wait()
	release = func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}
	if t.Failed() {
		release()
		t.FailNow()
	}
	return release
}

// visit makes one connection that has said EHLO.
func visit(addr string, withTLS bool) (net.Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if withTLS {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	buf := make([]byte, 1024)
	for _, s := range []string{"", "EHLO client.example\r\n"} {
		if _, err := c.Write([]byte(s)); err != nil {
			return c, err
		}
		if err := answer(c, buf); err != nil {
			return c, err
		}
	}
	return c, nil
}

// answer reads a reply to its last line.
func answer(c net.Conn, buf []byte) error {
	c.SetReadDeadline(time.Now().Add(patience))
	n := 0
	for {
		m, err := c.Read(buf[n:])
		if err != nil {
			return err
		}
		n += m
		last := buf[bytes.LastIndexByte(buf[:n-1], '\n')+1 : n]
		if buf[n-1] == '\n' && len(last) > 3 && last[3] == ' ' {
			if last[0] != '2' && last[0] != '3' {
				return fmt.Errorf("%s", last)
			}
			return nil
		}
	}
}
