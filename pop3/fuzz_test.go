package pop3_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// scripted is a connection whose other end says what it has to say at once and listens.
type scripted struct {
	in  *strings.Reader
	out bytes.Buffer
}

func (s *scripted) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *scripted) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *scripted) Close() error                     { return nil }
func (s *scripted) LocalAddr() net.Addr              { return &net.UnixAddr{Name: "x", Net: "unix"} }
func (s *scripted) RemoteAddr() net.Addr             { return &net.UnixAddr{Name: "x", Net: "unix"} }
func (s *scripted) SetDeadline(time.Time) error      { return nil }
func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }

// FuzzServer sends anything, before login and after it: every answer is a status line or belongs to one, and without a
// QUIT the maildrop stays as it was.
func FuzzServer(f *testing.F) {
	f.Add("STAT\r\nLIST\r\nUIDL 1\r\nRETR 1\r\nTOP 1 1\r\nDELE 1\r\nRSET\r\nQUIT\r\n", true)
	f.Add("CAPA\r\nAUTH PLAIN\r\nAGEAYg==\r\nUSER x\r\nPASS y\r\nAPOP a b\r\nLANG vi\r\nUTF8\r\n", false)
	f.Add("\r\n \r\n\x00\r\nNOOP\n\r\r\n", true)
	users := pop3test.NewUnstartedServer(f).Config.Authenticator
	f.Fuzz(func(t *testing.T, input string, loggedIn bool) {
		store := new(pop3test.Store)
		s := &pop3.Server{
			Store: store, Authenticator: users, AllowPlaintext: (*pop3.Conn).FromThisMachine, Hostname: "localhost",
			Limits: pop3.Limits{HardErrors: -1, SoftErrors: -1}, Timeouts: pop3.Timeouts{Error: -1},
		}
		store.Add("alice", body(120))
		store.Add("alice", ".\r\n\r\n..\r\n")
		if loggedIn {
			input = "USER alice\r\nPASS secret\r\n" + input
		}
		before := len(store.Messages("alice"))
		c := &scripted{in: strings.NewReader(input)}
		s.ServeConn(context.Background(), c)
		out := c.out.String()
		if !strings.HasPrefix(out, "+OK POP3 server ready <") || !strings.HasSuffix(out, "\r\n") {
			t.Fatalf("%q -> %q", input, out)
		}
		if strings.Count(out, "\n") != strings.Count(out, "\r\n") || strings.Count(out, "\r") != strings.Count(out, "\r\n") {
			t.Fatalf("bare line ends in %q", out)
		}
		if after := len(store.Messages("alice")); after < before && !strings.Contains(strings.ToUpper(input), "QUIT") {
			t.Fatalf("%d messages became %d without QUIT: %q", before, after, input)
		}
		unlock, err := s.LockMaildrop(context.Background(), "alice")
		if err != nil {
			t.Fatalf("lock kept after %q", input)
		}
		unlock()
	})
}

// FuzzClient lets a server say anything: the client ends, and never takes a cut-off message for a whole one.
func FuzzClient(f *testing.F) {
	f.Add("+OK\r\n+OK\r\nPIPELINING\r\nUIDL\r\n.\r\n+OK 1 2\r\n+OK\r\n1 2\r\n.\r\n+OK\r\n1 u\r\n.\r\n+OK\r\n..x\r\n.\r\n-ERR [SYS/TEMP] no\r\n+OK\r\n")
	f.Add("+OK <a@b>\r\n-ERR\r\n-ERR [IN-USE] x\r\n")
	f.Fuzz(func(t *testing.T, answers string) {
		c, err := pop3.NewClient(context.Background(), &scripted{in: strings.NewReader(answers)}, &pop3.ClientOptions{TLS: pop3.TLSNone})
		if err != nil {
			return
		}
		ctx := context.Background()
		_, _, _ = c.Stat(ctx)
		for range c.List(ctx) {
		}
		for l, err := range c.UIDL(ctx) {
			if err == nil && (l.UID == "" || len(l.UID) > 70 || l.Number < 1) {
				t.Fatalf("%+v", l)
			}
		}
		for m, err := range c.RetrAll(ctx, 1, 2) {
			if err != nil {
				continue
			}
			if _, err := io.ReadAll(m); err == nil && !strings.Contains(answers, ".\r\n") {
				t.Fatalf("no end in %q", answers)
			}
		}
		_ = c.Dele(ctx, 1, 2)
		_ = c.Quit(ctx)
	})
}

// FuzzUIDLFormat: a format that is taken makes ids that RFC 1939 allows.
func FuzzUIDLFormat(f *testing.F) {
	f.Add("%08Xu%08Xv")
	f.Add("%v.%u")
	f.Add("%g")
	s := pop3test.NewUnstartedServer(f, body(120))
	f.Fuzz(func(t *testing.T, format string) {
		srv := &pop3.Server{Store: s.Store, Authenticator: s.Config.Authenticator, AllowPlaintext: s.Config.AllowPlaintext, UIDLFormat: format}
		c := &scripted{in: strings.NewReader("USER alice\r\nPASS secret\r\nUIDL 1\r\n")}
		srv.ServeConn(context.Background(), c)
		out := c.out.String()
		if strings.Contains(out, "[SYS/PERM]") {
			return
		}
		lines := strings.Split(out, "\r\n")
		id, ok := strings.CutPrefix(lines[3], "+OK 1 ")
		if !ok || id == "" || len(id) > 70 || strings.ContainsAny(id, " \x7f") {
			t.Fatalf("%q -> %q", format, lines[3])
		}
	})
}

// TestModel plays random sessions against a maildrop of the plainest kind.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		srv := pop3test.NewUnstartedServer(fatal{t})
		var content []string
		for range rapid.IntRange(0, 5).Draw(t, "messages") {
			content = append(content, body(rapid.IntRange(100, 400).Draw(t, "size")))
			srv.Store.Add("alice", content[len(content)-1])
		}
		deleted := make([]bool, len(content))
		c, err := pop3.NewClient(context.Background(), srv.Pipe(), &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: srv.Credentials()})
		require.NoError(t, err)
		there := func(n int) bool { return n >= 1 && n <= len(content) && !deleted[n-1] }
		number := rapid.IntRange(0, len(content)+1)
		for range rapid.IntRange(0, 20).Draw(t, "commands") {
			switch rapid.IntRange(0, 4).Draw(t, "command") {
			case 0:
				n := number.Draw(t, "n")
				err := c.Dele(context.Background(), n)
				require.Equal(t, there(n), err == nil)
				if err == nil {
					deleted[n-1] = true
				}
			case 1:
				require.NoError(t, c.Rset(context.Background()))
				clear(deleted)
			case 2:
				count, octets := 0, 0
				for i, m := range content {
					if !deleted[i] {
						count++
						octets += len(m)
					}
				}
				n, size, err := c.Stat(context.Background())
				require.NoError(t, err)
				require.Equal(t, count, n)
				require.EqualValues(t, octets, size)
			case 3:
				n := number.Draw(t, "n")
				m, err := c.Retr(context.Background(), n)
				require.Equal(t, there(n), err == nil)
				if err == nil {
					b, err := io.ReadAll(m)
					require.NoError(t, err)
					require.Equal(t, content[n-1], string(b))
				}
			case 4:
				var want, got []int
				for i := range content {
					if !deleted[i] {
						want = append(want, i+1)
					}
				}
				for l, err := range c.List(context.Background()) {
					require.NoError(t, err)
					require.EqualValues(t, len(content[l.Number-1]), l.Size)
					got = append(got, l.Number)
				}
				require.Equal(t, want, got)
			}
		}
		want := []string{}
		if rapid.Bool().Draw(t, "quit") {
			require.NoError(t, c.Quit(context.Background()))
			for i, m := range content {
				if !deleted[i] {
					want = append(want, m)
				}
			}
		} else {
			require.NoError(t, c.Close())
			want = append(want, content...)
		}
		require.Equal(t, want, srv.Store.Messages("alice"))
	})
}

// fatal makes a rapid.T what pop3test wants.
type fatal struct{ *rapid.T }

func (fatal) Cleanup(func()) {}
