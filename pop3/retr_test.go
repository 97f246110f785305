package pop3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// TestDotStuffing is RFC 1939 section 3 and a field bug of several servers and of the best known client: "If any line of the
// multi-line response begins with the termination octet, the line is 'byte-stuffed'", and section 11: those "must not" be
// counted twice.
func TestDotStuffing(t *testing.T) {
	s := pop3test.NewUnstartedServer(t, ".one\r\n\r\n.\r\n..\r\n.two\r\n")
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK .*
	C: USER alice
	S~ \+OK .*
	C: PASS secret
	S: +OK maildrop has 1 messages (21 octets)
	C: LIST 1
	S: +OK 1 21
	C: RETR 1
	S: +OK 21 octets
	S: ..one
	S:
	S: ..
	S: ...
	S: ..two
	S: .
	C: TOP 1 2
	S: +OK top of message follows
	S: ..one
	S:
	S: ..
	S: ...
	S: .`)
}

// RFC 1939 section 7, TOP: "the headers of the message, the blank line separating the headers from the body, and then the
// number of lines ... If the number of lines requested by the POP3 client is greater than [those] in the body, then the
// POP3 server sends the entire message."
func TestTOP(t *testing.T) {
	s := pop3test.NewUnstartedServer(t, "A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n", "A: only a header\r\n", "", "\r\nbody\r\n")
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK .*
	C: USER alice
	S~ \+OK .*
	C: PASS secret
	S~ \+OK .*
	C: TOP 1 0
	S: +OK top of message follows
	S: A: 1
	S: B: 2
	S:
	S: .
	C: TOP 1 2
	S: +OK top of message follows
	S: A: 1
	S: B: 2
	S:
	S: one
	S:
	S: .
	C: TOP 1 99999999999999999999999999
	S: +OK top of message follows
	S: A: 1
	S: B: 2
	S:
	S: one
	S:
	S: three
	S: .
	C: TOP 2 5
	S: +OK top of message follows
	S: A: only a header
	S: .
	C: TOP 3 0
	S: +OK top of message follows
	S: .
	C: TOP 4 0
	S: +OK top of message follows
	S:
	S: .
	C: RETR 3
	S: +OK 0 octets
	S: .`)
}

// TestTOPAcrossBlocks has header ends and lines at every position of the blocks in which a message is read.
func TestTOPAcrossBlocks(t *testing.T) {
	for shift := range 8 {
		head := "X: " + strings.Repeat("x", 65536-shift-3) + "\r\n\r\n"
		s := pop3test.NewServer(t, head+"one\r\ntwo\r\n"+strings.Repeat("y\r\n", 60000))
		c, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: s.Credentials()})
		require.NoError(t, err)
		m, err := c.Top(t.Context(), 1, 1)
		require.NoError(t, err)
		got, err := io.ReadAll(m)
		require.NoError(t, err)
		require.Equal(t, head+"one\r\n", string(got), "shift %d", shift)
		c.Close()
	}
}

// TestOctetCounts is a field bug: LIST and RETR say what is sent, not counting stuffed dots (RFC 1939 section 11).
func TestOctetCounts(t *testing.T) {
	messages := []string{"a: b\r\n\r\n.\r\n..\r\n", strings.Repeat(".\r\n", 5000), "Subject: Tiếng Việt\r\n\r\nà\r\n", "x: y\r\n\r\n" + strings.Repeat("z", 100000) + "\r\n"}
	s := pop3test.NewServer(t, messages...)
	c, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{Auth: s.Credentials(), TLSConfig: s.ClientTLS()})
	require.NoError(t, err)
	defer c.Close()
	for i, want := range messages {
		l, err := c.ListOne(t.Context(), i+1)
		require.NoError(t, err)
		require.EqualValues(t, len(want), l.Size)
		m, err := c.Retr(t.Context(), i+1)
		require.NoError(t, err)
		got, err := io.ReadAll(m)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	// A message without an end to its last line gets one, and RETR counts it.
	s.Store.Add("bob", "no end")
	s.AddUser("bob", "x")
	connect(t, s.Config).talk(`
	S~ \+OK .*
	C: USER bob
	S~ \+OK .*
	C: PASS x
	S~ \+OK .*
	C: RETR 1
	S: +OK 8 octets
	S: no end
	S: .`)
}

// RFC 1939 section 7, UIDL: the same in every session; RFC example's layout; formats of other servers.
func TestUIDL(t *testing.T) {
	s := twoMessages(t)
	for _, c := range []struct{ format, one, two string }{
		{"", "0000000100000001", "0000000200000001"},
		{"%08Xu%08Xv", "0000000100000001", "0000000200000001"},
		{"%v.%u", "1.1", "1.2"},
		{"UID%u-%v", "UID1-1", "UID2-1"},
		{"%04u%%%Xv", "0001%1", "0002%1"},
		{"%g", "616c696365-1", "616c696365-2"},
		{"%f", "1.1", "1.2"}, // these messages lie in no files
	} {
		srv := &pop3.Server{Store: s.Store, Authenticator: s.Config.Authenticator, AllowPlaintext: s.Config.AllowPlaintext, Hostname: "localhost", UIDLFormat: c.format}
		connect(t, srv).talk(login + `
		C: UIDL
		S: +OK unique-id listing follows
		S: 1 ` + c.one + `
		S: 2 ` + c.two + `
		S: .
		C: UIDL 2
		S: +OK 2 ` + c.two + `
		C: UIDL 3
		S: -ERR no such message, only 2 messages in maildrop`)
	}
	for _, bad := range []string{"%v", "x", "%", "%k", "%08", "a b%u", "%u\r\n", "%99u", "%0", "%Xz", "%08xu"} {
		srv := &pop3.Server{UIDLFormat: bad}
		l, err := listen(t)
		require.NoError(t, err)
		require.ErrorContains(t, srv.Serve(l), "UIDLFormat", "%q", bad)
		connect(t, srv).talk("S: -ERR [SYS/PERM] internal error\nS: <end>")
	}
}

// TestUIDLIsDovecots has what Dovecot 2.3.19 answered for UIDVALIDITY 1795343727: a client of a Maildir that was Dovecot's
// must not fetch everything again because of a letter's case.
func TestUIDLIsDovecots(t *testing.T) {
	require.Equal(t, "000000036b02c56f", pop3.FormatUIDL(t, "", 1795343727, 3))
	require.Equal(t, "0000abcd6b02c56f", pop3.FormatUIDL(t, "%08Xu%08Xv", 1795343727, 0xabcd))
}

// hostile is a store whose GUIDs and errors are an attacker's.
type hostile struct{ mail.Store }

func (h hostile) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := h.Store.Account(ctx, name)
	return hostileAccount{a}, err
}

type hostileAccount struct{ mail.Account }

func (h hostileAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	m, err := h.Account.Open(ctx, name)
	return hostileMailbox{m}, err
}

type hostileMailbox struct{ mail.Mailbox }

func (h hostileMailbox) Messages(ctx context.Context, set mail.UIDSet, f mail.Fields) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		for m, err := range h.Mailbox.Messages(ctx, set, f) {
			m.GUID = "x\r\n.\r\n+OK"
			if !yield(m, err) {
				return
			}
		}
	}
}

func (h hostileMailbox) OpenBody(context.Context, mail.UID) (mail.Body, error) {
	return nil, fmt.Errorf("no\r\n.\r\n+OK injected")
}

func (h hostileMailbox) Expunge(context.Context, mail.UIDSet, *mail.ExpungeOptions) (mail.ExpungeResult, error) {
	return mail.ExpungeResult{}, fmt.Errorf("disk\r\n+OK full")
}

// TestResponseSplitting: nothing from a store, a configuration or the client itself makes an answer of its own.
func TestResponseSplitting(t *testing.T) {
	s := twoMessages(t)
	s.Config.Store = hostile{s.Store}
	s.Config.UIDLFormat = "%g"
	s.Config.Greeting = "hello\r\n-ERR go away"
	p := connect(t, s.Config)
	p.talk(`
	S~ \+OK hello\?\?-ERR go away <.*>
	C: USER alice
	S: +OK send PASS
	C: PASS secret
	S: +OK maildrop has 2 messages (320 octets)
	C: UIDL
	S: +OK unique-id listing follows
	S: 1 1.1
	S: 2 1.2
	S: .
	C: RETR 1
	S: -ERR [SYS/TEMP] internal error, try again later
	C: TOP 1 0
	S: -ERR [SYS/TEMP] internal error, try again later
	C: DELE 1
	S: +OK message 1 deleted
	# RFC 1939 section 6: "-ERR some deleted messages not removed"
	C: QUIT
	S: -ERR [SYS/TEMP] some deleted messages not removed
	S: <end>`)
}

// A message that another program removed meanwhile is an error of that message alone.
func TestMessageRemovedElsewhere(t *testing.T) {
	s := twoMessages(t)
	p := connect(t, s.Config)
	p.talk(login)
	a, err := s.Store.Account(t.Context(), "alice")
	require.NoError(t, err)
	mb, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	_, err = mb.Expunge(t.Context(), mail.UIDSetOf(1), nil)
	require.NoError(t, err)
	s.Store.Add("alice", body(300))
	p.talk(`
	C: RETR 1
	S: -ERR [SYS/PERM] message 1 is gone: another program has removed it
	# Message-numbers don't move, and new mail waits for the next session.
	C: UIDL 2
	S: +OK 2 0000000200000001
	C: STAT
	S: +OK 2 320
	C: DELE 1
	S: +OK message 1 deleted
	C: QUIT
	S: +OK goodbye (1 messages left)`)
	require.Len(t, s.Store.Messages("alice"), 2)
}

// endless is a message of any size that exists nowhere.
type endless struct{ size int64 }

func (e endless) Size() int64  { return e.size }
func (e endless) Close() error { return nil }
func (e endless) ReadAt(p []byte, off int64) (int, error) {
	const line = "..........1.........2.........3.........4.........5...........\r\n"
	n := int(min(int64(len(p)), e.size-off))
	for i := 0; i < n; {
		i += copy(p[i:n], line[(off+int64(i))%64:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

type endlessStore struct {
	mail.Store
	size int64
}

func (s endlessStore) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := s.Store.Account(ctx, name)
	return endlessAccount{a, s.size}, err
}

type endlessAccount struct {
	mail.Account
	size int64
}

func (a endlessAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	m, err := a.Account.Open(ctx, name)
	return endlessMailbox{m, a.size}, err
}

type endlessMailbox struct {
	mail.Mailbox
	size int64
}

func (m endlessMailbox) OpenBody(context.Context, mail.UID) (mail.Body, error) {
	return endless{m.size}, nil
}

// A large message goes through both sides as a stream: memory doesn't grow with it.
func TestLargeMessageNeedsNoMemory(t *testing.T) {
	const size = 16 << 20
	s := pop3test.NewUnstartedServer(t, body(120))
	s.Config.Store = endlessStore{s.Store, size}
	s.Start()
	c, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: s.Credentials()})
	require.NoError(t, err)
	defer c.Close()
	var n int64
	allocated := testing.AllocsPerRun(1, func() {
		m, err := c.Retr(t.Context(), 1)
		require.NoError(t, err)
		n, err = io.Copy(io.Discard, m)
		require.NoError(t, err)
	})
	require.EqualValues(t, size, n)
	require.Less(t, allocated, 500.0)
	m, err := c.Retr(t.Context(), 1)
	require.NoError(t, err)
	got := make([]byte, 4096)
	_, err = io.ReadFull(m, got)
	require.NoError(t, err)
	want := make([]byte, 4096)
	endless{size}.ReadAt(want, 0)
	require.True(t, bytes.Equal(want, got))
}
