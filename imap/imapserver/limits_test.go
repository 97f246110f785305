package imapserver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// One bad command gets BAD and the session goes on (RFC 9051 section 2.2.2 and 7.1.3).
func TestBadCommands(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	for i, bad := range []string{
		"", "\x00", "tag", "tag ", " a NOOP", "a  NOOP", "a NOOP x", "a NOSUCH", "a UID NOOP", "a UID", "a(b NOOP", "+ NOOP", "* NOOP",
		"a LIST \"\" \"", `a LIST "" "\x"`, "a LIST \"\x00\" x", "a STATUS INBOX", "a STATUS INBOX (", "a STATUS INBOX (MESSAGES",
		"a NOOP\rx", "a ENABLE", "a ID", "a ID (\"x\")", "a SELECT {5", "a SELECT {x}", "a SELECT {99999999999999999999+}",
		"a SELECT INBOX (QRESYNC (1 2))", "a STARTTLS",
	} {
		p.send(bad + "\r\n")
		l := p.line()
		require.Truef(t, strings.Contains(l, " BAD "), "%q: %s", bad, l)
		if i%10 == 0 {
			p.do("ok NOOP") // commands that are right start the count anew
		}
	}
	p.do("ok NOOP")
}

func TestTooManyBadCommands(t *testing.T) {
	f := newFixture(t, nil)
	// Another protocol is cut off soon: no cross-protocol attack gets far.
	p := f.dial()
	p.line()
	p.send("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
	require.Equal(t, "GET BAD Unknown command", p.line())
	require.Equal(t, "Host: BAD Unknown command", p.line())
	require.Equal(t, "Content-Length: BAD Unknown command", p.line())
	require.Equal(t, "* BYE Too many invalid commands.", p.line())
	p.closed()
}

func TestLineTooLong(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("INBOX")
	p.send("a SEARCH SUBJECT \"" + strings.Repeat("x", 70_000) + "\"\r\nb NOOP\r\n")
	require.Equal(t, "a BAD [TOOBIG] Command line too long", p.line())
	require.Equal(t, "b OK NOOP completed.", p.line())
	// A literal announced at the end of the long line is dropped with it.
	p.send("c SEARCH SUBJECT \"" + strings.Repeat("x", 70_000) + "\" BODY {6+}\r\nx NOOP\r\nd NOOP\r\n")
	require.Equal(t, "c BAD [TOOBIG] Command line too long", p.line())
	require.Equal(t, "d OK NOOP completed.", p.line())
	// Before login lines and literals are shorter.
	q := f.dial()
	q.line()
	q.send("a LOGIN alice \"" + strings.Repeat("x", 13_000) + "\"\r\n")
	require.Equal(t, "a BAD [TOOBIG] Command line too long", q.line())
}

func TestLiteralTooLarge(t *testing.T) {
	f := newFixture(t, nil)
	p := f.dial()
	p.line()
	p.dialogue(`
		C: a LOGIN {4097}
		S: a BAD [TOOBIG] Literal too large
		C: b LOGIN alice {6}
		S: + OK
		C: secret
		S: b OK …`)
	// Without a wait it is dropped, and the next command is found behind it.
	p.send("c STATUS {100000+}\r\n" + strings.Repeat("y", 100_000) + " (MESSAGES)\r\nd NOOP\r\n")
	require.Equal(t, "c BAD [TOOBIG] Literal too large", p.line())
	require.Equal(t, "d OK NOOP completed.", p.line())
	// Many literals are one command too long.
	p.send("e SEARCH" + strings.Repeat(" SUBJECT {60000+}\r\n"+strings.Repeat("z", 60_000), 20) + "\r\nf NOOP\r\n")
	require.Contains(t, p.line(), "e BAD ")
	// What is beyond every limit ends the connection.
	q := f.dial()
	q.line()
	q.send("a LOGIN {9999999999+}\r\n")
	require.Equal(t, "* BYE Literal too large.", q.line())
	q.closed()
}

func TestNesting(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	p := f.login("INBOX")
	_, status := p.try("a SEARCH " + strings.Repeat("(", 33) + "ALL" + strings.Repeat(")", 33))
	require.Equal(t, "a BAD [LIMIT] Nested too deep", status)
	_, status = p.try("b SEARCH " + strings.Repeat("NOT ", 33) + "ALL")
	require.Equal(t, "b BAD [LIMIT] Nested too deep", status)
	require.Equal(t, []string{"* SEARCH 1"}, p.do("c SEARCH "+strings.Repeat("NOT ", 32)+"ALL"))
	_, status = p.try("c2 SEARCH" + strings.Repeat(" ALL", 1001))
	require.Equal(t, "c2 BAD [LIMIT] Search program too long", status)
	_, status = p.try("d FETCH " + strings.Repeat("1,", 10_001) + "1 UID")
	require.Equal(t, "d BAD [LIMIT] Set has too many ranges", status)
}

// Lists have an end, whatever they are lists of.
func TestListLengths(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.Items = 100 })
	f.store.Sharing = true
	f.add("INBOX", simple)
	p := f.login("INBOX")
	many := func(word string) string { return strings.Repeat(" "+word, 101)[1:] }
	for _, command := range []string{
		"FETCH 1 (" + many("UID") + ")", "FETCH 1 BODY[HEADER.FIELDS (" + many("Subject") + ")]", "STORE 1 +FLAGS (" + many("k") + ")",
		"STORE 1 +FLAGS " + many("k"), "STATUS INBOX (" + many("MESSAGES") + ")", "APPEND INBOX (" + many("k") + ") {1+}\r\nx",
		`LIST "" (` + many("a") + ")", `LIST (` + many("SUBSCRIBED") + `) "" a`, `LIST "" a RETURN (` + many("CHILDREN") + ")",
		"SEARCH RETURN (" + many("ALL") + ") ALL", "SORT (" + many("DATE") + ") UTF-8 ALL", "ID (" + many(`"a" "b"`) + ")",
		"GETMETADATA INBOX (" + many("/shared/a") + ")", "SETMETADATA INBOX (" + many(`/shared/a "b"`) + ")",
		"ESEARCH IN (mailboxes (" + many("a") + ")) ALL", "NOTIFY SET (mailboxes (" + many("a") + ") (MessageNew MessageExpunge))",
		"SELECT INBOX (" + many("CONDSTORE") + ")", "LANGUAGE " + many("xx"), "SETQUOTA \"\" (" + many("STORAGE 1") + ")",
	} {
		_, status := p.try("a " + command)
		require.Regexp(t, "^a (BAD|NO) .*([Tt]oo (many|long)|takes 30)", status, command)
		p.do("b NOOP")
	}
}

// Each key that reads messages may read the whole mailbox, so there can be few of them.
func TestSearchTexts(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.SearchTexts = 3 })
	f.add("INBOX", simple)
	p := f.login("INBOX")
	require.Len(t, p.do(`a SEARCH NOT TEXT "x" OR BODY y HEADER Subject z UNSEEN SENTSINCE 1-Jan-2026`), 1)
	_, status := p.try("b SEARCH NOT TEXT x (OR BODY y NOT (FROM z HEADER Subject q))")
	require.Equal(t, "b NO [LIMIT] Too many keys that read messages.", status)
	p.do("c NOOP")
}

// A search that goes on says so, and one whose client is gone ends.
func TestSearchAbandoned(t *testing.T) {
	const messages = 200
	gate := make(chan struct{})
	var read atomic.Int64
	f := newFixture(t, func(s *imapserver.Server) {
		s.Timeouts.Progress = 1
		s.CharsetReader = func(string, io.Reader) (io.Reader, error) {
			read.Add(1)
			<-gate
			return strings.NewReader("text"), nil
		}
	})
	all := make([]string, messages)
	for i := range all {
		all[i] = "Content-Type: text/plain; charset=x-slow\n\ntext\n"
	}
	f.add("INBOX", all...)
	p := f.login("INBOX")
	p.send("a SEARCH BODY nowhere\r\n")
	require.Equal(t, `* OK [INPROGRESS ("a" 1 200)] Still working.`, p.line())
	gate <- struct{}{}
	require.NoError(t, p.Conn.(*net.TCPConn).SetLinger(0)) // what waits to be read doesn't keep the connection
	require.NoError(t, p.Close())
	close(gate)
	ctx, cancel := context.WithTimeout(t.Context(), waitLong)
	defer cancel()
	require.NoError(t, f.srv.Shutdown(ctx))
	require.Less(t, read.Load(), int64(messages/2))
}

func TestConnectionLimit(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.Connections = 1 })
	p := f.login("")
	q := f.dial()
	require.Equal(t, "* BYE [UNAVAILABLE] Too many connections, try again later.", q.line())
	q.closed()
	p.do("a NOOP")
}

func TestBareLF(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	p.send("a NOOP\n")
	require.Equal(t, "a BAD [PARSE] Line ends with a bare LF", p.line())
	g := newFixture(t, func(s *imapserver.Server) { s.BareLF = true })
	q := g.login("")
	q.send("a NOOP\nb LOGOUT\n")
	require.Equal(t, "a OK NOOP completed.", q.line())
}

// countingConn counts what the server writes.
type countingConn struct {
	net.Conn
	mu     *sync.Mutex
	writes *int
}

func (c countingConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	*c.writes++
	c.mu.Unlock()
	return c.Conn.Write(p)
}

type countingListener struct {
	net.Listener
	mu     *sync.Mutex
	writes *int
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.mu, l.writes}, err
}

// Answers to commands that came together go out together.
func TestPipelining(t *testing.T) {
	f := newFixture(t, nil)
	var mu sync.Mutex
	writes := 0
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = f.srv.Serve(countingListener{l, &mu, &writes})
	}()
	f.addr = l.Addr().String()
	p := f.login("INBOX")
	mu.Lock()
	writes = 0
	mu.Unlock()
	p.send(strings.Repeat("a NOOP\r\n", 100))
	for range 100 {
		require.Equal(t, "a OK NOOP completed.", p.line())
	}
	mu.Lock()
	require.LessOrEqual(t, writes, 4)
	mu.Unlock()
	_ = p.Close()
	f.Cleanup(func() { <-served })
	_ = l.Close()
}

// certificate makes a TLS configuration for the server and one for its clients.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool, ServerName: "localhost"}
}

// RFC 9051 section 6.2.1.
func TestStartTLS(t *testing.T) {
	serverTLS, clientTLS := certificate(t)
	f := newFixture(t, func(s *imapserver.Server) {
		s.TLSConfig, s.RequireSecure = serverTLS, true
	})
	p := f.dial()
	require.Contains(t, p.line(), " STARTTLS LOGINDISABLED] ")
	p.dialogue(`
		C: a LOGIN alice secret
		S: a NO [PRIVACYREQUIRED] …
		C: b AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==
		S: b NO [PRIVACYREQUIRED] …`)
	// What comes in the clear behind STARTTLS must not be taken for encrypted: "the client MUST discard … cached" goes for
	// the server's buffer too (CVE-2011-0411).
	p.send("c STARTTLS\r\nd LOGIN alice wrong\r\n")
	require.Equal(t, "c OK Begin TLS negotiation now.", p.line())
	conn := tls.Client(p.Conn, clientTLS)
	require.NoError(t, conn.Handshake())
	q := newPeer(t, conn)
	caps := q.do("e CAPABILITY")
	require.Len(t, caps, 1)
	require.NotContains(t, caps[0], "STARTTLS")
	require.Contains(t, caps[0], "AUTH=PLAIN")
	q.do("f LOGIN alice secret")
	_, status := q.try("g STARTTLS")
	require.Equal(t, "g BAD Already authenticated", status)
	q.dialogue(`
		C: h SELECT INBOX
		S: …
		S: …
		S: …
		S: …
		S: …
		S: …
		S: …
		S: …
		S: h OK …
		C: i IDLE
		S: + idling`)
	f.add("INBOX", simple) // a wake-up interrupts a read of TLS too
	q.dialogue(`
		S: * 1 EXISTS
		S: * 1 RECENT
		C: DONE
		S: i OK IDLE completed.`)
	// A client that speaks no TLS behind STARTTLS is gone.
	r := f.dial()
	r.line()
	r.send("a STARTTLS\r\n")
	r.line()
	r.send("hello there, this is not a handshake at all\r\n")
	_, _ = r.r.ReadByte() // an alert may come first
}

// RFC 8314 section 3.2: TLS from the first octet on.
func TestImplicitTLS(t *testing.T) {
	serverTLS, clientTLS := certificate(t)
	f := newFixture(t, func(s *imapserver.Server) { s.TLSConfig, s.AllowPlaintext = serverTLS, nil })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- f.srv.ServeTLS(l) }()
	conn, err := tls.Dial("tcp", l.Addr().String(), clientTLS)
	require.NoError(t, err)
	p := newPeer(t, conn)
	greeting := p.line()
	require.NotContains(t, greeting, "STARTTLS")
	require.NotContains(t, greeting, "LOGINDISABLED")
	p.do("a LOGIN alice secret")
	require.NoError(t, conn.Close())
	require.NoError(t, f.srv.Close())
	require.ErrorIs(t, <-served, imapserver.ErrServerClosed)
}

// RFC 7888 section 5: with LITERAL- "the client MUST NOT send … a non-synchronizing literal … larger than 4096 octets", and a
// server "SHOULD … respond with … BAD … TOOBIG … or close".
func TestLiteralMinus(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{imap.CapLiteralPlus} })
	p := f.login("")
	caps := p.do("a CAPABILITY")[0]
	require.Contains(t, caps, " LITERAL- ")
	require.NotContains(t, caps, "LITERAL+")
	p.send("b APPEND INBOX {4096+}\r\n" + strings.Repeat("x", 4096) + "\r\nc APPEND INBOX {4097+}\r\n" + strings.Repeat("x", 4097) + "\r\nd NOOP\r\n")
	require.Equal(t, "b OK [APPENDUID 1001 1] APPEND completed.", p.line())
	require.Equal(t, "c BAD [TOOBIG] Non-synchronizing literal too large", p.line())
	require.Equal(t, "d OK NOOP completed.", p.line())
}
