package pop2_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop2"
	"github.com/buuta/mail/pop3/pop3test"
)

// message is one of n octets.
func message(n int) string {
	const head = "Subject: x\r\n\r\n"
	return head + strings.Repeat(".", n-len(head)-2) + "\r\n"
}

func users(name, password string) mail.Authenticator {
	return mail.AuthenticatorFunc(func(_ context.Context, r *mail.AuthRequest) (*mail.Identity, error) {
		if r.Username != name || r.Password != password || r.Service != "pop2" {
			return nil, mail.ErrAuthFailed
		}
		return &mail.Identity{Username: "alice"}, nil
	})
}

// server has the given messages in alice's INBOX.
func server(messages ...string) (*pop2.Server, *pop3test.Store) {
	store := new(pop3test.Store)
	store.AddAccount("alice")
	for _, m := range messages {
		store.Add("alice", m)
	}
	return &pop2.Server{Store: store, Hostname: "USC-ISIF.ARPA", Authenticator: users("POSTEL", "SECRET"),
		AllowPlaintext: (*pop2.Conn).FromThisMachine, Timeouts: pop2.Timeouts{Error: -1}}, store
}

type peer struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func connect(t *testing.T, srv *pop2.Server) *peer {
	server, client := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeConn(context.Background(), server)
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	return &peer{t, client, bufio.NewReader(client)}
}

// talk plays a dialogue: "C: " is sent, "S: " must come, "D: n" is the message of n octets, "S: <end>" the connection's end.
func (p *peer) talk(script string) {
	p.t.Helper()
	for line := range strings.Lines(script) {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), "\t ")
		if line == "" || line[0] == '#' {
			continue
		}
		kind, text, _ := strings.Cut(line, " ")
		switch {
		case kind == "C:":
			_, err := io.WriteString(p.conn, text+"\r\n")
			require.NoError(p.t, err, line)
		case line == "S: <end>":
			_, err := p.r.ReadByte()
			require.Error(p.t, err, "the connection goes on")
		case kind == "S:":
			got, err := p.r.ReadString('\n')
			require.NoError(p.t, err, line)
			require.Equal(p.t, text+"\r\n", got)
		case kind == "D:":
			got := make([]byte, len(text))
			_, err := io.ReadFull(p.r, got)
			require.NoError(p.t, err)
			require.Equal(p.t, strings.ReplaceAll(text, "|", "\r\n"), string(got))
		default:
			p.t.Fatalf("script: %q", line)
		}
	}
}

func (p *peer) data(want string) {
	p.t.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(p.r, got)
	require.NoError(p.t, err)
	require.Equal(p.t, want, string(got))
}

// RFC 937, Examples, Example 1.
func TestExample1(t *testing.T) {
	srv, store := server(message(537), message(234))
	p := connect(t, srv)
	p.talk(`S: + POP2 USC-ISIF.ARPA server ready
	C: HELO POSTEL SECRET
	S: #2 messages in your mailbox
	C: READ
	S: =537 characters in message 1
	C: RETR`)
	p.data(message(537))
	p.talk(`C: ACKD
	S: =234 characters in message 2
	C: RETR`)
	p.data(message(234))
	p.talk("C: ACKD\nS: =0 no message")
	// "Actually, the message is only marked for deletion. The actual change is made when the mailbox is released".
	require.Len(t, store.Messages("alice"), 2)
	p.talk("C: QUIT\nS: + OK bye\nS: <end>")
	require.Empty(t, store.Messages("alice"))
}

// RFC 937, Examples, Example 2: another folder, a message kept.
func TestExample2(t *testing.T) {
	store := &maildir.Store{Path: t.TempDir() + "/%u"}
	a, err := store.Account(t.Context(), "alice")
	require.NoError(t, err)
	defer a.Close()
	add := func(name string, messages ...string) mail.Mailbox {
		if name != "INBOX" {
			_, err := a.Create(t.Context(), name, nil)
			require.NoError(t, err)
		}
		mb, err := a.Open(t.Context(), name)
		require.NoError(t, err)
		t.Cleanup(func() { mb.Close() })
		ap, err := mb.Append(t.Context())
		require.NoError(t, err)
		for _, m := range messages {
			require.NoError(t, ap.Add(t.Context(), strings.NewReader(m), nil))
		}
		_, err = ap.Commit(t.Context())
		require.NoError(t, err)
		return mb
	}
	inbox := add("INBOX", message(40), message(41))
	add("old mail", message(42), message(43), message(44))
	srv, _ := server()
	srv.Store = store
	p := connect(t, srv)
	p.talk(`S: + POP2 USC-ISIF.ARPA server ready
	C: HELO POSTEL SECRET
	S: #2 messages in your mailbox
	C: READ 2
	S: =41 characters in message 2
	C: RETR`)
	p.data(message(41))
	p.talk(`C: ACKD
	S: =0 no message
	C: FOLD old\ mail
	S: #3 messages in that mailbox`)
	st, err := inbox.State(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, st.Messages, "FOLD releases the mailbox")
	p.talk("C: READ 3\nS: =44 characters in message 3\nC: RETR")
	p.data(message(44))
	p.talk(`C: ACKS
	S: =0 no message
	# "If the mailbox is empty or does not exist, the number of messages reported is zero."
	C: FOLD /usr/spool/mail/smith
	S: #0 messages in that mailbox
	C: READ
	S: =0 no message
	C: FOLD ../../etc
	S: #0 messages in that mailbox
	C: FOLD old\ mail
	S: #3 messages in that mailbox
	C: QUIT
	S: + OK bye
	S: <end>`)
}

// RFC 937, Examples, Example 3, and RETR: "The server will close the connection if asked to transmit a message of zero
// characters".
func TestExample3(t *testing.T) {
	srv, _ := server()
	connect(t, srv).talk(`S: + POP2 USC-ISIF.ARPA server ready
	C: HELO POSTEL SECRET
	S: #0 messages in your mailbox
	C: READ
	S: =0 no message
	C: RETR
	S: - no message to transmit
	S: <end>`)
}

// RFC 937, NACK: "The current message indicator remains the same"; READ: "If the message was previously deleted with the ACKD
// command, the count of zero is returned."
func TestAgainAndDeleted(t *testing.T) {
	srv, store := server(message(30), message(31))
	p := connect(t, srv)
	p.talk("S: + POP2 USC-ISIF.ARPA server ready\nC: helo POSTEL SECRET\nS: #2 messages in your mailbox\nC: READ\nS: =30 characters in message 1\nC: RETR")
	p.data(message(30))
	p.talk("C: NACK\nS: =30 characters in message 1\nC: RETR")
	p.data(message(30))
	p.talk("C: ACKD\nS: =31 characters in message 2\nC: READ 1\nS: =0 no message\nC: READ 2\nS: =31 characters in message 2\nC: READ 99\nS: =0 no message\nC: QUIT\nS: + OK bye")
	require.Equal(t, []string{message(31)}, store.Messages("alice"))
}

// A session that doesn't come to QUIT or FOLD deletes nothing.
func TestBrokenSession(t *testing.T) {
	srv, store := server(message(30))
	p := connect(t, srv)
	p.talk("S: + POP2 USC-ISIF.ARPA server ready\nC: HELO POSTEL SECRET\nS: #1 messages in your mailbox\nC: READ\nS: =30 characters in message 1\nC: RETR")
	p.data(message(30))
	p.talk("C: ACKD\nS: =0 no message")
	p.conn.Close()
	require.Len(t, store.Messages("alice"), 1)
}

// RFC 937, Server Decision Table: everything that has "1" there is garbage, and ends the connection.
func TestDecisionTable(t *testing.T) {
	const greeting = "S: + POP2 USC-ISIF.ARPA server ready\n"
	login := greeting + "C: HELO POSTEL SECRET\nS: #1 messages in your mailbox\n"
	item := login + "C: READ\nS: =30 characters in message 1\n"
	for state, c := range map[string]struct {
		script string
		next   bool
		bad    []string
	}{
		"AUTH": {greeting, false, []string{"FOLD x", "READ", "RETR", "ACKS", "ACKD", "NACK"}},
		"MBOX": {login, false, []string{"HELO POSTEL SECRET", "RETR", "ACKS", "ACKD", "NACK", "READ 0", "READ x", "READ +1", "READ 1 1", "READ ", "FOLD", "FOLD "}},
		"ITEM": {item, false, []string{"HELO POSTEL SECRET", "ACKS", "ACKD", "NACK", "RETR 1"}},
		"NEXT": {item, true, []string{"HELO POSTEL SECRET", "FOLD x", "READ", "RETR", "QUIT", "ACKS 1"}},
	} {
		for _, bad := range c.bad {
			srv, store := server(message(30))
			p := connect(t, srv)
			p.talk(c.script)
			if c.next {
				p.talk("C: RETR")
				p.data(message(30))
			}
			p.talk("C: " + bad)
			line, err := p.r.ReadString('\n')
			require.NoError(t, err, "%s in %s", bad, state)
			require.True(t, strings.HasPrefix(line, "- "), "%s in %s: %q", bad, state, line)
			p.talk("S: <end>")
			require.Len(t, store.Messages("alice"), 1)
		}
	}
}

func TestGarbage(t *testing.T) {
	for _, bad := range []string{"", "GET / HTTP/1.1", "HELO", "HELO x", "HELO POSTEL", "HELO POSTEL SECRET more", "HELO POSTEL WRONG", "HELO POSTEL SECRET\\", "\x00", "HELO " + strings.Repeat("x", 600)} {
		srv, _ := server(message(30))
		p := connect(t, srv)
		p.talk("S: + POP2 USC-ISIF.ARPA server ready")
		_, err := io.WriteString(p.conn, bad+"\r\n")
		require.NoError(t, err)
		line, err := p.r.ReadString('\n')
		require.NoError(t, err, "%q", bad)
		require.True(t, strings.HasPrefix(line, "- "), "%q: %q", bad, line)
		p.talk("S: <end>")
	}
}

// RFC 937, Quoting: "To include a space in an argument the two character sequence 'back-slash, space' is transmitted."
func TestQuoting(t *testing.T) {
	srv, _ := server()
	srv.Authenticator = users(`a b\`, ` \x `)
	connect(t, srv).talk(`S: + POP2 USC-ISIF.ARPA server ready
	C: HELO a\ b\\ \ \\\x\ ` + `
	S: #0 messages in your mailbox`)
}

// One session at a time has a maildrop, whatever the protocol.
func TestLock(t *testing.T) {
	srv, store := server()
	pop := &pop3.Server{Store: store}
	srv.Locker = pop
	p := connect(t, srv)
	p.talk("S: + POP2 USC-ISIF.ARPA server ready\nC: HELO POSTEL SECRET\nS: #0 messages in your mailbox")
	_, err := pop.LockMaildrop(t.Context(), "alice")
	require.ErrorIs(t, err, pop3.ErrInUse)
	connect(t, srv).talk("S: + POP2 USC-ISIF.ARPA server ready\nC: HELO POSTEL SECRET\nS: - mailbox is locked by another session\nS: <end>")
	p.talk("C: QUIT\nS: + OK bye\nS: <end>")
	unlock, err := pop.LockMaildrop(t.Context(), "alice")
	require.NoError(t, err)
	unlock()
}

func TestNoPlaintext(t *testing.T) {
	srv, _ := server()
	srv.AllowPlaintext = nil
	connect(t, srv).talk("S: + POP2 USC-ISIF.ARPA server ready\nC: HELO POSTEL SECRET\nS: - passwords are not taken over this connection\nS: <end>")
}

// Shutdown ends who waits, and lets who has something to delete come to QUIT.
func TestShutdownAndTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, store := server(message(30))
		store.AddAccount("bob")
		idle, busy := connect(t, srv), connect(t, srv)
		idle.talk("S: + POP2 USC-ISIF.ARPA server ready")
		busy.talk("S: + POP2 USC-ISIF.ARPA server ready\nC: HELO POSTEL SECRET\nS: #1 messages in your mailbox\nC: READ\nS: =30 characters in message 1\nC: RETR")
		busy.data(message(30))
		busy.talk("C: ACKD\nS: =0 no message")
		done := make(chan error)
		go func() { done <- srv.Shutdown(context.Background()) }()
		idle.talk("S: - server is shutting down\nS: <end>")
		busy.talk("C: QUIT\nS: + OK bye\nS: <end>")
		require.NoError(t, <-done)
		require.Empty(t, store.Messages("alice"))

		srv, _ = server()
		p := connect(t, srv)
		p.talk("S: + POP2 USC-ISIF.ARPA server ready")
		time.Sleep(10 * time.Minute)
		p.talk("S: <end>")
	})
}
