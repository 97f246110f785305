package pop3_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// watched is a store that counts the bodies that are opened, and those that are open.
type watched struct {
	mail.Store
	opened []mail.UID
	open   int
}

func (w *watched) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := w.Store.Account(ctx, name)
	return watchedAccount{a, w}, err
}

type watchedAccount struct {
	mail.Account
	w *watched
}

func (a watchedAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	m, err := a.Account.Open(ctx, name)
	return watchedMailbox{m, a.w}, err
}

type watchedMailbox struct {
	mail.Mailbox
	w *watched
}

func (m watchedMailbox) OpenBody(ctx context.Context, uid mail.UID) (mail.Body, error) {
	b, err := m.Mailbox.OpenBody(ctx, uid)
	m.w.opened = append(m.w.opened, uid)
	m.w.open++
	return watchedBody{b, m.w}, err
}

type watchedBody struct {
	mail.Body
	w *watched
}

func (b watchedBody) Close() error {
	b.w.open--
	return b.Body.Close()
}

// ahead is a server with n messages whose texts are their numbers, and a client that has logged in.
func ahead(t *testing.T, n int, config func(*pop3.Server)) (*watched, *pop3test.Server, *peer) {
	s := pop3test.NewUnstartedServer(t)
	for i := range n {
		s.Store.Add("alice", fmt.Sprintf("n: %d\r\n\r\n.\r\n", i+1))
	}
	w := &watched{Store: s.Store}
	s.Config.Store = w
	if config != nil {
		config(s.Config)
	}
	p := connect(t, s.Config)
	p.talk("S~ \\+OK .*\nC: USER alice\nS~ \\+OK .*\nC: PASS secret\nS~ \\+OK .*")
	return w, s, p
}

func retr(n int) string {
	return fmt.Sprintf("C: RETR %d\nS~ \\+OK .* octets\nS: n: %d\nS:\nS: ..\nS: .\n", n, n)
}

// Two messages in a row make the third be read before it is asked for. Whatever the client then does gets the right answer.
func TestReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, p := ahead(t, 9, nil)
		p.talk(retr(1))
		synctest.Wait()
		require.Equal(t, []mail.UID{1}, w.opened, "one is no row")
		p.talk(retr(2))
		synctest.Wait()
		require.Equal(t, []mail.UID{1, 2, 3}, w.opened)
		require.Zero(t, w.open)
		p.talk(retr(3))
		synctest.Wait()
		require.Equal(t, []mail.UID{1, 2, 3, 4}, w.opened, "3 was not opened again")

		// Another one than expected, then the one that was: it is opened again.
		p.talk(retr(8) + retr(4))
		synctest.Wait()
		require.Equal(t, []mail.UID{1, 2, 3, 4, 8, 4, 5}, w.opened)

		// Content doesn't change, so a message that was removed elsewhere meanwhile can still be had.
		a, err := s.Store.Account(t.Context(), "alice")
		require.NoError(t, err)
		mb, err := a.Open(t.Context(), "INBOX")
		require.NoError(t, err)
		_, err = mb.Expunge(t.Context(), mail.UIDSetOf(5), nil)
		require.NoError(t, err)
		p.talk(retr(5))

		// A message marked as deleted is not had, read ahead or not.
		synctest.Wait()
		p.talk("C: DELE 6\nS: +OK message 6 deleted\nC: RETR 6\nS: -ERR message 6 is deleted\nC: QUIT\nS~ \\+OK .*")
	})
}

// What was read ahead is given up when the client says nothing for a second, which costs it nothing else.
func TestReadAheadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, p := ahead(t, 4, nil)
		p.talk(retr(1) + retr(2))
		time.Sleep(time.Second + time.Millisecond)
		p.talk(retr(3))
		synctest.Wait()
		require.Equal(t, []mail.UID{1, 2, 3, 3, 4}, w.opened)
		time.Sleep(9*time.Minute + 59*time.Second)
		p.talk("C: NOOP\nS: +OK")
		time.Sleep(10 * time.Minute)
		p.talk("S: <end>") // the autologout timer is what it was (RFC 1939 section 3)
	})
}

// A server that shuts down doesn't wait for clients that hold something read ahead.
func TestReadAheadAndShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s, p := ahead(t, 4, nil)
		p.talk(retr(1) + retr(2))
		go func() { _ = s.Config.Shutdown(context.Background()) }()
		p.talk("S: -ERR [SYS/TEMP] server is shutting down\nS: <end>")
	})
}

// A message that can't be read is an error of that message, not of the connection, as long as nothing of it was sent.
func TestUnreadableMessage(t *testing.T) {
	s := twoMessages(t)
	s.Config.Store = shortStore{s.Store}
	connect(t, s.Config).talk(login + `
	C: RETR 1
	S: -ERR [SYS/TEMP] internal error, try again later
	C: NOOP
	S: +OK`)
}

// shortStore has messages that end before their size says.
type shortStore struct{ mail.Store }

func (s shortStore) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := s.Store.Account(ctx, name)
	return shortAccount{a}, err
}

type shortAccount struct{ mail.Account }

func (a shortAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	m, err := a.Account.Open(ctx, name)
	return shortMailbox{m}, err
}

type shortMailbox struct{ mail.Mailbox }

func (m shortMailbox) OpenBody(ctx context.Context, uid mail.UID) (mail.Body, error) {
	b, err := m.Mailbox.OpenBody(ctx, uid)
	return shortBody{b}, err
}

type shortBody struct{ mail.Body }

func (b shortBody) ReadAt(p []byte, off int64) (int, error) {
	if off > 5 {
		return 0, io.EOF
	}
	return b.Body.ReadAt(p[:min(len(p), 5)], off)
}

// BenchmarkRETROneByOne is a client that waits for each message before it asks for the next, as nearly all do.
func BenchmarkRETROneByOne(b *testing.B) {
	s := pop3test.NewUnstartedServer(b)
	s.Config.TLSConfig = nil
	for range 1000 {
		s.Store.Add("alice", body(2<<10))
	}
	s.Start()
	nc, err := net.Dial("tcp", s.Addr)
	require.NoError(b, err)
	defer nc.Close()
	r := bufio.NewReader(nc)
	hear := func(end string) {
		for {
			line, err := r.ReadString('\n')
			require.NoError(b, err)
			if strings.HasPrefix(line, end) {
				return
			}
		}
	}
	hear("+OK")
	for _, l := range []string{"USER alice", "PASS secret"} {
		fmt.Fprintf(nc, "%s\r\n", l)
		hear("+OK")
	}
	b.SetBytes(2 << 10)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		fmt.Fprintf(nc, "RETR %d\r\n", i%1000+1)
		hear(".\r\n")
	}
}
