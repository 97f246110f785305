package imapserver_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
)

// RFC 9051 section 6.3.13.
func TestIdle(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	p := f.login("INBOX")
	p.dialogue(`
		C: A002 IDLE
		S: + idling`)
	f.add("INBOX", simple)
	p.dialogue(`
		S: * 2 EXISTS
		S: * 2 RECENT`)
	box := f.box("INBOX")
	_, err := box.SetFlags(context.Background(), mail.UIDSetOf(1), mail.FlagChange{Flags: mail.Flags{System: mail.Deleted}})
	require.NoError(t, err)
	require.Equal(t, `* 1 FETCH (UID 1 FLAGS (\Deleted \Recent))`, p.line())
	_, err = box.Expunge(context.Background(), mail.UIDSetOf(1), nil)
	require.NoError(t, err)
	p.dialogue(`
		S: * 1 EXPUNGE
		C: done
		S: A002 OK IDLE completed.
		C: b IDLE
		S: + idling
		C: NOOP
		S: b BAD DONE expected
		C: c NOOP
		S: c OK NOOP completed.`)
	// Without a mailbox there is nothing to tell, and DONE ends it all the same. Pipelined commands wait their turn.
	q := f.login("")
	q.send("a IDLE\r\nDONE\r\nb NOOP\r\n")
	q.dialogue(`
		S: + idling
		S: a OK IDLE completed.
		S: b OK NOOP completed.`)
}

func TestIdleMailboxDeleted(t *testing.T) {
	f := newFixture(t, nil)
	f.box("doomed")
	p, q := f.login("doomed"), f.login("")
	p.dialogue(`
		C: a IDLE
		S: + idling`)
	q.do("a DELETE doomed")
	require.Equal(t, "* BYE [NONEXISTENT] The selected mailbox was deleted.", p.line())
	p.line()
	p.closed()
}

// pipeServer serves one connection within a synctest bubble.
type pipeServer struct {
	*testing.T
	srv   *imapserver.Server
	store *imaptest.Store
	lines chan string
	nc    net.Conn
	done  chan struct{}
	end   imapserver.End
}

// newPipe starts a server on a pipe whose output is read all the time.
func newPipe(t *testing.T, change func(*imapserver.Server)) *pipeServer {
	s := &pipeServer{T: t, store: imaptest.NewStore(), lines: make(chan string, 10_000), done: make(chan struct{})}
	s.srv = &imapserver.Server{Store: s.store, Authenticator: imaptest.Users{"alice": "secret"},
		AllowPlaintext: func(*imapserver.Conn) bool { return true }}
	s.srv.Hooks.Disconnected = func(_ *imapserver.Conn, end *imapserver.End) { s.end = *end }
	if change != nil {
		change(s.srv)
	}
	client, server := net.Pipe()
	s.nc = client
	go func() {
		defer close(s.done)
		s.srv.ServeConn(context.Background(), server)
	}()
	go func() {
		defer close(s.lines)
		_, _ = io.Copy(lineWriter{s.lines, &strings.Builder{}}, client) // ends with the connection
	}()
	return s
}

// lineWriter sends every whole line on.
type lineWriter struct {
	to   chan string
	rest *strings.Builder
}

func (w lineWriter) Write(p []byte) (int, error) {
	w.rest.Write(p)
	for {
		line, rest, ok := strings.Cut(w.rest.String(), "\r\n")
		if !ok {
			return len(p), nil
		}
		w.rest.Reset()
		w.rest.WriteString(rest)
		w.to <- line
	}
}

func (s *pipeServer) send(lines ...string) {
	s.Helper()
	_, err := s.nc.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
	require.NoError(s, err)
}

// sent returns all that the server has sent once nothing moves any more.
func (s *pipeServer) sent() (out []string) {
	synctest.Wait()
	for {
		select {
		case l, ok := <-s.lines:
			if !ok {
				return out
			}
			out = append(out, l)
		default:
			return out
		}
	}
}

func (s *pipeServer) close() {
	_ = s.nc.Close()
	<-s.done
}

// A client that does not log in is put out, whatever it does meanwhile.
func TestLoginTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipe(t, nil)
		time.Sleep(50 * time.Second)
		s.send("a NOOP")
		require.Len(t, s.sent(), 2)
		time.Sleep(11 * time.Second)
		require.Equal(t, []string{"* BYE Disconnected for inactivity."}, s.sent())
		<-s.done
		require.Equal(t, imapserver.CauseTimeout, s.end.Cause)
		s.close()
	})
}

// Nor does it help to send octet by octet.
func TestLoginTimeoutWithinCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipe(t, nil)
		s.sent()
		for range 6 {
			_, err := s.nc.Write([]byte("x"))
			require.NoError(t, err)
			time.Sleep(9 * time.Second)
		}
		require.Empty(t, s.sent())
		time.Sleep(7 * time.Second)
		require.Equal(t, []string{"* BYE Disconnected for inactivity."}, s.sent())
		<-s.done
		s.close()
	})
}

// RFC 9051 section 5.4: "the duration of an inactivity timer MUST be at least 30 minutes. The receipt of any command from the
// client during that interval resets the inactivity timer."
func TestAutologout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipe(t, nil)
		s.send("a LOGIN alice secret")
		for range 3 {
			time.Sleep(29 * time.Minute)
			s.send("b NOOP")
		}
		require.NotContains(t, strings.Join(s.sent(), "\n"), "BYE")
		time.Sleep(30*time.Minute + time.Second)
		require.Equal(t, []string{"* BYE Disconnected for inactivity."}, s.sent())
		<-s.done
		s.close()
	})
}

// RFC 9051 section 6.3.13: "The server MAY consider a client inactive if it has an IDLE command running, and if such a server
// has an inactivity timeout, it MAY log the client off implicitly".
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipe(t, nil)
		s.send("a LOGIN alice secret", "b SELECT INBOX", "c IDLE")
		time.Sleep(29 * time.Minute)
		require.NotContains(t, strings.Join(s.sent(), "\n"), "BYE")
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"* BYE Disconnected for inactivity."}, s.sent())
		<-s.done
		require.Equal(t, imapserver.CauseTimeout, s.end.Cause)
		s.close()
	})
}

// deafStore's mailboxes lose every hint.
type deafStore struct{ mail.Store }
type deafAccount struct{ mail.Account }
type deafMailbox struct{ mail.Mailbox }

func (s deafStore) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := s.Store.Account(ctx, name)
	return deafAccount{a}, err
}

func (a deafAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	b, err := a.Account.Open(ctx, name)
	return deafMailbox{b}, err
}

func (deafMailbox) Watch(func()) func() { return func() {} }

// "Hints are hints": a wake-up that is lost is made up for by looking now and then.
func TestIdlePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipe(t, nil)
		s.srv.Store = deafStore{s.store}
		s.send("a LOGIN alice secret", "b SELECT INBOX", "c IDLE")
		s.sent()
		f := &fixture{T: t, store: s.store}
		f.add("INBOX", simple)
		time.Sleep(30 * time.Second)
		require.Empty(t, s.sent())
		time.Sleep(31 * time.Second)
		// The deaf mailbox is no RecentTaker either.
		require.Equal(t, []string{"* 1 EXISTS", "* 0 RECENT"}, s.sent())
		s.send("DONE")
		require.Equal(t, []string{"c OK IDLE completed."}, s.sent())
		s.close()
	})
}

// A peer that stops in the middle of a command is given up.
func TestDataTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipe(t, func(s *imapserver.Server) { s.Timeouts.Data = time.Minute })
		s.send("a LOGIN alice secret", "b APPEND INBOX {100+}", "Subject: x")
		s.sent()
		time.Sleep(61 * time.Second)
		require.Equal(t, []string{"* BYE Disconnected for inactivity."}, s.sent())
		<-s.done
		require.Equal(t, imapserver.CauseTimeout, s.end.Cause)
		s.close()
	})
}

// Shutdown says BYE to those who wait and lets those who work finish.
func TestShutdown(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	waiting, idle, busy := f.login(""), f.login("INBOX"), f.login("")
	idle.dialogue("C: i IDLE\nS: + idling")
	busy.send("a APPEND INBOX {10+}\r\nSubj")
	time.Sleep(20 * time.Millisecond) // long enough for the server to have read it; if it had not, the test would still pass
	done := make(chan error, 1)
	go func() { done <- f.srv.Shutdown(context.Background()) }()
	const bye = "* BYE [UNAVAILABLE] Server shutting down."
	require.Equal(t, bye, waiting.line())
	waiting.closed()
	require.Equal(t, bye, idle.line())
	_, err := net.Dial("tcp", f.addr)
	require.Error(t, err)
	busy.send("ect: x\r\n")
	require.Equal(t, "a OK [APPENDUID 1001 2] APPEND completed.", busy.line())
	require.Equal(t, bye, busy.line())
	busy.closed()
	require.NoError(t, <-done)
}

// A Shutdown whose context ends closes what is left.
func TestShutdownImpatient(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	p.send("a APPEND INBOX {10+}\r\nSubj")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, f.srv.Shutdown(ctx), context.Canceled)
	p.closed()
}
