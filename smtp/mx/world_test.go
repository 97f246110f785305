package mx_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a network of one's own: names, and hosts that play scripts.
type world struct {
	t     *testing.T
	mx    map[string][]*net.MX
	a     map[string][]string
	txt   map[string][]string
	fails map[string]bool // names whose look-up fails temporarily

	mu      sync.Mutex
	hosts   map[string][]string // scripts by address and port, one for each connection
	dialled []string
	tls     *tls.Config
	roots   *x509.CertPool
	wg      sync.WaitGroup
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, mx: map[string][]*net.MX{}, a: map[string][]string{}, txt: map[string][]string{},
		fails: map[string]bool{}, hosts: map[string][]string{}}
	t.Cleanup(w.wg.Wait)
	return w
}

// transport is a Transport in this world.
func (w *world) transport() *mx.Transport {
	t := &mx.Transport{Hostname: "client.example.org", Resolver: w, Dial: w.dial, IdleTimeout: -1}
	w.t.Cleanup(func() { t.Close() })
	return t
}

func (w *world) missing(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: !w.fails[name], IsTemporary: w.fails[name]}
}

func (w *world) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if list := w.mx[name]; len(list) > 0 {
		return list, nil
	}
	return nil, w.missing(name)
}

func (w *world) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, s := range w.a[host] {
		a := netip.MustParseAddr(s)
		if network == "ip" || network == "ip4" && a.Is4() || network == "ip6" && a.Is6() {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return nil, w.missing(host)
	}
	return out, nil
}

func (w *world) LookupTXT(_ context.Context, name string) ([]string, error) {
	if list := w.txt[name]; len(list) > 0 {
		return list, nil
	}
	return nil, w.missing(name)
}

// addressed gives a pipe the address that was dialled.
type addressed struct {
	net.Conn
	addr net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.addr }

func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialled = append(w.dialled, addr)
	scripts := w.hosts[addr]
	if len(scripts) == 0 {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	w.hosts[addr] = scripts[1:]
	if scripts[0] == "hang" {
		w.mu.Unlock()
		defer w.mu.Lock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ours, theirs := net.Pipe()
	w.wg.Go(func() {
		defer theirs.Close()
		theirs.SetDeadline(time.Now().Add(10 * time.Second))
		if err := w.run(theirs, addr, scripts[0]); err != nil {
			w.t.Errorf("%s: %v", addr, err)
		}
	})
	tcp, err := netip.ParseAddrPort(addr)
	if err != nil {
		return addressed{ours, &net.UnixAddr{Name: addr, Net: "unix"}}, nil
	}
	return addressed{ours, net.TCPAddrFromAddrPort(tcp)}, nil
}

// run plays the server's part of a script: "S: " is sent, "C: " must be received, "T!" begins TLS, "S!" hangs up, "C!" waits for that.
func (w *world) run(conn net.Conn, addr, script string) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
		kind, rest, _ := strings.Cut(strings.TrimLeft(line, "\t "), " ")
		var err error
		switch kind {
		case "S:":
			_, err = io.WriteString(conn, rest+"\r\n")
		case "S!":
			return nil
		case "T!": // TLS begins, with the world's certificate
			secure := tls.Server(conn, w.tls)
			if err := secure.Handshake(); err != nil {
				return nil // the client's own choice, seen in its results
			}
			conn, r = secure, bufio.NewReader(secure)
		case "C!": // the client must hang up, and within a message without an end of it
			var rest []byte
			if rest, err = io.ReadAll(r); strings.Contains("\r\n"+string(rest), "\r\n.\r\n") {
				err = fmt.Errorf("got an end of the message")
			}
		case "C:":
			var got string
			if got, err = r.ReadString('\n'); err == nil && got != rest+"\r\n" {
				err = fmt.Errorf("got %q", got)
			}
		default:
			err = fmt.Errorf("bad script")
		}
		if err != nil {
			return fmt.Errorf("at %q: %w", line, err)
		}
	}
	return nil
}

const hello = `S: 220 mx ESMTP
	C: EHLO client.example.org
	S: 250-mx
	S: 250-ENHANCEDSTATUSCODES
	S: 250 PIPELINING
	`

// envelope is the script of an envelope for recipients that are all accepted.
func envelope(to ...string) string {
	s := "C: MAIL FROM:<a@example.org>\n"
	for _, a := range to {
		s += "C: RCPT TO:<" + a + ">\n"
	}
	return s + "C: DATA\nS: 250 2.1.0 Ok\n" + strings.Repeat("S: 250 2.1.5 Ok\n", len(to)) + "S: 354 go\n"
}

const message = "Subject: x\r\n\r\nHello.\r\n"

const body = `C: Subject: x
	C: 
	C: Hello.
	C: .
	`

const taken = body + `S: 250 2.0.0 Ok: queued as 1
	C: QUIT
	S: 221 2.0.0 Bye
	`

// deliver sends the message to a next hop.
func deliver(t *testing.T, d mail.Deliverer, r io.Reader, to ...string) []mail.Result {
	t.Helper()
	ctx := context.Background()
	tx, err := d.Begin(ctx, "a@example.org", &mail.MailOptions{})
	require.NoError(t, err)
	defer tx.Abort()
	for _, a := range to {
		require.NoError(t, tx.Recipient(ctx, a, &mail.RcptOptions{}))
	}
	if r == nil {
		r = strings.NewReader(message)
	}
	require.NoError(t, tx.Body(ctx, r))
	results, err := tx.Commit(ctx)
	require.NoError(t, err)
	require.Len(t, results, len(to))
	for i, r := range results {
		require.Equal(t, to[i], r.Recipient)
		require.NotNil(t, r.Reply)
	}
	return results
}

// stream hides that a message can be read twice.
func stream(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} }

// begin opens a transaction.
func begin(t *testing.T, d mail.Deliverer, to ...string) mail.Transaction {
	t.Helper()
	tx, err := d.Begin(context.Background(), "a@example.org", &mail.MailOptions{})
	require.NoError(t, err)
	for _, a := range to {
		require.NoError(t, tx.Recipient(context.Background(), a, &mail.RcptOptions{}))
	}
	return tx
}
