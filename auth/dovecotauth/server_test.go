package dovecotauth_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/dovecotauth"
	"github.com/buuta/mail/internal/sasl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site has the users alice, whose password is "secret", and "tab\tname"; root may act as anybody, and the database of "down" is down.
type site struct {
	last atomic.Pointer[mail.AuthRequest]
}

var errDown = errors.New("the database is down")

func (s *site) identity(a *mail.AuthRequest) *mail.Identity {
	if a.Username == "root" && a.Authorize != "" {
		return &mail.Identity{Username: a.Authorize}
	}
	return &mail.Identity{Username: strings.ToLower(a.Username)}
}

func (s *site) Password(_ context.Context, a *mail.AuthRequest) (string, *mail.Identity, error) {
	switch strings.ToLower(a.Username) {
	case "alice", "root", "tab\tname":
		return "secret", s.identity(a), nil
	case "down":
		return "", nil, errDown
	}
	return "", nil, mail.ErrAuthFailed
}

func (s *site) Authenticate(ctx context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	copied := *a
	s.last.Store(&copied)
	p, id, err := s.Password(ctx, a)
	if err == nil && p != a.Password {
		return nil, mail.ErrAuthFailed
	}
	return id, err
}

func (s *site) AuthenticateToken(_ context.Context, a *mail.AuthRequest, token string) (*mail.Identity, error) {
	if token != "good" {
		return nil, &mail.TokenError{Err: mail.ErrAuthFailed, Configuration: "https://id.test"}
	}
	return &mail.Identity{Username: "alice"}, nil
}

func (s *site) User(_ context.Context, name string) (*dovecotauth.User, error) {
	switch name {
	case "alice", "tab\tname":
		return &dovecotauth.User{Name: name, Fields: map[string]string{"home": "/home/" + name, "quota_rule": "*:storage=1G"}}, nil
	case "down":
		return nil, errDown
	}
	return nil, nil
}

func (s *site) List(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for i := range 500 {
			if !yield(fmt.Sprintf("u%d@example.com", i), nil) {
				return
			}
		}
	}
}

// listen serves in a folder of the test's own.
func listen(t testing.TB, s *dovecotauth.Server) (auth, users string) {
	dir := t.TempDir()
	for name, serve := range map[string]func(net.Listener) error{"auth": s.Serve, "users": s.ServeUsers} {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		require.NoError(t, err)
		var done sync.WaitGroup
		done.Go(func() {
			if err := serve(l); !errors.Is(err, dovecotauth.ErrServerClosed) {
				t.Error(err)
			}
		})
		t.Cleanup(func() {
			require.NoError(t, s.Shutdown(context.Background()))
			done.Wait()
		})
	}
	return filepath.Join(dir, "auth"), filepath.Join(dir, "users")
}

// raw is a connection on which the test writes lines itself.
type raw struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, path string) *raw {
	c, err := net.Dial("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return &raw{t, c, bufio.NewReader(c)}
}

func (r *raw) send(text string) {
	_, err := io.WriteString(r.c, text)
	require.NoError(r.t, err)
}

func (r *raw) line() string {
	s, err := r.r.ReadString('\n')
	require.NoError(r.t, err)
	return strings.TrimSuffix(s, "\n")
}

func (r *raw) handshake() (all []string) {
	for {
		l := r.line()
		if all = append(all, l); l == "DONE" {
			r.send("VERSION\t1\t1\nCPID\t4711\n")
			return all
		}
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func server() *dovecotauth.Server {
	s := new(site)
	return &dovecotauth.Server{Authenticator: s, Users: s}
}

// "S: VERSION … S: SPID … S: CUID … S: COOKIE, 128 bit in hex … S: MECH … S: DONE".
func TestHandshake(t *testing.T) {
	auth, _ := listen(t, server())
	hello := strings.Join(dial(t, auth).handshake(), "\n")
	require.Regexp(t, regexp.MustCompile(`^VERSION\t1\t2
MECH\tSCRAM-SHA-256\tmutual-auth
MECH\tSCRAM-SHA-1\tmutual-auth
MECH\tOAUTHBEARER\tplaintext
MECH\tXOAUTH2\tplaintext
MECH\tCRAM-MD5\tdictionary\tactive
MECH\tPLAIN\tplaintext
MECH\tLOGIN\tplaintext
SPID\t\d+
CUID\t\d+
COOKIE\t[0-9a-f]{32}
DONE$`), hello)
	other := strings.Join(dial(t, auth).handshake(), "\n")
	require.NotEqual(t, hello, other, "a cookie and a CUID of its own for each connection")
}

func TestDialogues(t *testing.T) {
	s := server()
	auth, users := listen(t, s)
	for _, tt := range [][]string{
		{"> AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.9\trip=192.0.2.1\tsecured\tresp=" + b64("\x00alice\x00secret"), "< OK\t1\tuser=alice"},
		{"> AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + b64("\x00ALICE\x00secret"), "< OK\t1\tuser=alice"},
		{"> AUTH\t1\tplain\tservice=smtp\tsecured\tresp=" + b64("\x00alice\x00wrong"), "< FAIL\t1\tuser=alice"},
		{"> AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + b64("\x00nobody\x00x"), "< FAIL\t1\tuser=nobody"},
		{"> AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + b64("\x00down\x00x"), "< FAIL\t1\tuser=down\ttemp\tcode=temp_fail"},
		{"> AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + b64("bob\x00root\x00secret"), "< OK\t1\tuser=bob"},
		{"> AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + b64("bob\x00alice\x00secret"), "< FAIL\t1\tuser=alice"},
		{"> AUTH\t1\tPLAIN\tservice=smtp\tresp=" + b64("\x00alice\x00secret"), "< FAIL\t1\treason=mechanism needs a secured connection"},
		{"> AUTH\t1\tNTLM\tservice=smtp\tsecured", "< FAIL\t1\treason=no such SASL mechanism here"},
		// Everything after resp= is ignored: a client that doesn't filter its user's data can't be made to say that he is secured.
		{"> AUTH\t1\tPLAIN\tservice=smtp\tresp=" + b64("\x00alice\x00secret") + "\tsecured", "< FAIL\t1\treason=mechanism needs a secured connection"},
		{"> AUTH\t4294967295\tLOGIN\tservice=smtp\tsecured", "< CONT\t4294967295\t" + b64("Username:"), "> CONT\t4294967295\t" + b64("alice"), "< CONT\t4294967295\t" + b64("Password:"), "> CONT\t4294967295\t" + b64("secret"), "< OK\t4294967295\tuser=alice"},
		{"> AUTH\t2\tPLAIN\tservice=imap\tsecured", "< CONT\t2\t", "> CONT\t2\t" + b64("\x00alice\x00secret"), "< OK\t2\tuser=alice"},
		{"> AUTH\t2\tLOGIN\tservice=imap\tsecured\tresp==", "< FAIL\t2\treason=Invalid data in the authentication"},
		{"> AUTH\t2\tLOGIN\tservice=imap\tsecured\tresp=", "< CONT\t2\t" + b64("Username:"), "> CONT\t2\t*", "< FAIL\t2"}, // Exim's way of having none
		{"> AUTH\t2\tPLAIN\tservice=imap\tsecured\tresp=!", "< FAIL\t2\treason=Invalid data in the authentication"},
		{"> AUTH\t2\tPLAIN\tservice=imap\tsecured\tresp=" + b64("\x00ali\tce\x00x"), "< FAIL\t2\treason=Invalid data in the authentication"},
		{"> AUTH\t2\tOAUTHBEARER\tservice=imap\tsecured\tresp=" + b64("n,a=alice,\x01auth=Bearer good\x01\x01"), "< OK\t2\tuser=alice"},
		{"> AUTH\t2\tOAUTHBEARER\tservice=imap\tsecured\tresp=" + b64("n,a=alice,\x01auth=Bearer bad\x01\x01"),
			"< CONT\t2\t" + b64(`{"status":"invalid_token","schemes":"bearer","openid-configuration":"https://id.test"}`), "> CONT\t2\tAQ==", "< FAIL\t2\tuser=alice"},
		{"> AUTH\t3\tLOGIN\tservice=imap\tsecured", "< CONT\t3\t" + b64("Username:"), "> CANCEL\t3", "< FAIL\t3"},
		{"> AUTH\t3\tLOGIN\tservice=imap\tsecured", "< CONT\t3\t" + b64("Username:"), "> AUTH\t4\tPLAIN\tservice=smtp\tsecured\tresp=" + b64("\x00alice\x00secret"), "< OK\t4\tuser=alice", "> CONT\t3\t*", "< FAIL\t3"},
		{"> CONT\t9\tAQ==", "> FROB\t1\t2", "> ", "> AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + b64("\x00alice\x00secret"), "< OK\t1\tuser=alice"},
		// What breaks the protocol ends the connection.
		{"> AUTH", "closed"}, {"> AUTH\tx\tPLAIN\tservice=smtp", "closed"}, {"> AUTH\t1", "closed"}, {"> AUTH\t1\tPLAIN", "closed"}, {"> AUTH\t4294967296\tPLAIN\tservice=smtp", "closed"}, {"> AUTH\t-1\tPLAIN\tservice=smtp", "closed"},
		{"> CONT\t1", "closed"}, {"> CANCEL", "closed"}, {"> AUTH\t3\tLOGIN\tservice=imap\tsecured", "< CONT\t3\t" + b64("Username:"), "> AUTH\t3\tLOGIN\tservice=imap\tsecured", "closed"},
		{"> AUTH\t1\tPLAIN\tservice=smtp\tresp=" + strings.Repeat("A", 40000), "closed"},
		// auth-userdb
		{"users", "> USER\t1\talice\tservice=lmtp", "< USER\t1\talice\thome=/home/alice\tquota_rule=*:storage=1G"},
		{"users", "> USER\t1\tnobody\tservice=lmtp", "< NOTFOUND\t1", "> USER\t2\tdown\tservice=lmtp", "< FAIL\t2\treason=Temporary failure\tcode=temp_fail"},
		{"users", "> USER\t1\ttab\x01tname\tservice=lmtp", "< USER\t1\ttab\x01tname\thome=/home/tab\x01tname\tquota_rule=*:storage=1G"},
		{"users", "> LIST\t7\tuser=u1?0@*", "< LIST\t7\tu100@example.com", "< LIST\t7\tu110@example.com", "< LIST\t7\tu120@example.com", "< LIST\t7\tu130@example.com", "< LIST\t7\tu140@example.com",
			"< LIST\t7\tu150@example.com", "< LIST\t7\tu160@example.com", "< LIST\t7\tu170@example.com", "< LIST\t7\tu180@example.com", "< LIST\t7\tu190@example.com", "< DONE\t7\t"},
		{"users", "> PASS\t1\talice\tservice=lmtp", "< FAIL\t1\treason=not served here"}, {"users", "> USER\t1", "closed"}, {"users", "> USER\tx\talice", "closed"},
	} {
		r := dial(t, auth)
		if tt[0] == "users" {
			r = dial(t, users)
			require.Equal(t, "VERSION\t1\t2", r.line())
			require.Regexp(t, `^SPID\t\d+$`, r.line())
			r.send("VERSION\t1\t1\n")
			tt = tt[1:]
		} else {
			r.handshake()
		}
		for _, step := range tt {
			switch {
			case step == "closed":
				rest, _ := io.ReadAll(r.r) // logins that were under way may end
				require.NotContains(t, string(rest), "OK", "%.100q", tt)
			case step[0] == '>':
				r.send(step[2:] + "\n")
			default:
				require.Equal(t, step[2:], r.line(), "%q", tt)
			}
		}
		r.c.Close()
	}
	r := dial(t, auth)
	for r.line() != "DONE" {
	}
	r.send("VERSION\t2\t0\nCPID\t1\n")
	_, err := r.r.ReadString('\n')
	require.Error(t, err, "another major version")
}

func TestAddresses(t *testing.T) {
	s := server()
	auth, _ := listen(t, s)
	r := dial(t, auth)
	r.handshake()
	for ip, want := range map[string]any{"rip=192.0.2.1\trport=44": "192.0.2.1:44", "rip=2001:db8::1": "[2001:db8::1]:0", "rip=x": nil, "x": nil} {
		r.send("AUTH\t1\tPLAIN\tservice=pop3\tsecured\t" + ip + "\tresp=" + b64("\x00alice\x00secret") + "\n")
		require.Equal(t, "OK\t1\tuser=alice", r.line())
		last := s.Authenticator.(*site).last.Load()
		require.Equal(t, "pop3", last.Service)
		if want == nil {
			require.Nil(t, last.Remote)
		} else {
			require.Equal(t, want, last.Remote.String())
		}
	}
}

// All mechanisms, by our own clients of them.
func TestMechanisms(t *testing.T) {
	auth, _ := listen(t, server())
	for _, m := range []string{"SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"} {
		for _, right := range []bool{true, false} {
			c := &mail.Credentials{Username: "alice", Password: "secret", Mechanisms: []string{m}}
			if !right {
				c.Password = "wrong"
			}
			if strings.Contains(m, "AUTH") {
				c.Token = map[bool]string{true: "good", false: "bad"}[right]
			}
			x, err := (&sasl.ClientConfig{Credentials: c, Offered: []string{m}, Secured: true}).Start()
			require.NoError(t, err)
			r := dial(t, auth)
			r.handshake()
			r.send("AUTH\t1\t" + m + "\tservice=smtp\tsecured")
			if initial, ok := x.Initial(); ok {
				r.send("\tresp=" + initial)
			}
			r.send("\n")
			for {
				words := strings.Split(r.line(), "\t")
				if words[0] != "CONT" {
					require.Equal(t, right, words[0] == "OK", m)
					break
				}
				answer, err := x.Answer(words[2])
				require.NoError(t, err, m)
				r.send("CONT\t1\t" + answer + "\n")
			}
			if right {
				require.NoError(t, x.Finish(), m)
			}
		}
	}
}

// A client that begins logins and doesn't end them has a limit, and so has its patience.
func TestLimits(t *testing.T) {
	s := server()
	s.Limits = dovecotauth.Limits{Requests: 3, Connections: 2}
	auth, _ := listen(t, s)
	r := dial(t, auth)
	r.handshake()
	for i := range 3 {
		r.send(fmt.Sprintf("AUTH\t%d\tLOGIN\tservice=smtp\tsecured\n", i))
		require.Contains(t, r.line(), "CONT\t")
	}
	r.send("AUTH\t3\tLOGIN\tservice=smtp\tsecured\n")
	require.Equal(t, "FAIL\t3\ttemp\tcode=temp_fail", r.line())
	r.send("CONT\t1\t*\n")
	require.Equal(t, "FAIL\t1", r.line())
	r.send("AUTH\t3\tLOGIN\tservice=smtp\tsecured\n")
	require.Contains(t, r.line(), "CONT\t3\t")
	dial(t, auth).handshake()
	_, err := dial(t, auth).r.ReadString('\n')
	require.Error(t, err, "two connections are enough")
}

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server()
		l := newPipes()
		go s.Serve(l)
		c, r := l.dial()
		for line := ""; line != "DONE\n"; line, _ = r.ReadString('\n') {
		}
		_, err := io.WriteString(c, "VERSION\t1\t1\nAUTH\t1\tLOGIN\tservice=smtp\tsecured\n")
		require.NoError(t, err)
		began := time.Now()
		_, _ = r.ReadString('\n')
		got, err := r.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "FAIL\t1\ttemp\tcode=temp_fail\n", got)
		require.Equal(t, 150*time.Second, time.Since(began))
		require.NoError(t, s.Shutdown(t.Context()))
		synctest.Wait()
	})
}

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn)} }

func (p *pipes) dial() (net.Conn, *bufio.Reader) {
	a, b := net.Pipe()
	p.conns <- b
	return a, bufio.NewReader(a)
}

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.conns) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func FuzzServer(f *testing.F) {
	f.Add("VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + b64("\x00alice\x00secret") + "\n")
	f.Add("VERSION\t1\t1\nAUTH\t1\tLOGIN\tservice=smtp\tsecured\nCONT\t1\tYWxpY2U=\nCANCEL\t1\nCONT\t1\t*\n")
	f.Add("VERSION\t1\t1\nAUTH\t1\tXOAUTH2\tservice=smtp\tsecured\trip=::1\trport=99999\tresp==\nUSER\t1\talice\tservice=x\nLIST\t2\tuser=[*\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, users := range []bool{false, true} {
			s := server()
			l := newPipes()
			var done sync.WaitGroup
			done.Go(func() {
				if users {
					_ = s.ServeUsers(l)
				} else {
					_ = s.Serve(l)
				}
			})
			c, r := l.dial()
			done.Go(func() {
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					if strings.HasPrefix(line, "OK\t") && !strings.Contains(text, "resp=") && !strings.Contains(text, "CONT") {
						t.Errorf("%q let in", text)
					}
				}
			})
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(c, text)
			_ = c.Close()
			if err := s.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			done.Wait()
		}
	})
}
