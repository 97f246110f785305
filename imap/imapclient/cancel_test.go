package imapclient_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// halting is a connection to a server that answers its first command, calls halt where the answer has at octets, and goes on
// without waiting for anybody. To every command behind it says OK.
func halting(answer string, at int, halt func()) (conn net.Conn, over <-chan struct{}) {
	client, server := net.Pipe()
	done := make(chan struct{})
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		r := bufio.NewReader(server)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			lines <- line
		}
	}()
	go func() {
		defer close(done)
		defer server.Close()
		_, _ = io.WriteString(server, "* PREAUTH [CAPABILITY "+everything+"] hello\r\n")
		<-lines
		_, _ = io.WriteString(server, answer[:at])
		halt()
		_, _ = io.WriteString(server, answer[at:])
		for line := range lines {
			if tag, rest, ok := strings.Cut(line, " "); ok && strings.HasPrefix(tag, "A") && rest != "" {
				_, _ = io.WriteString(server, tag+" OK done\r\n")
			}
		}
	}()
	return client, done
}

// A call can be cancelled at every octet of its answer: what it returns is its own from then on, whatever still comes (this is for the
// race detector), and the connection goes on.
func TestCancelledAnywhere(t *testing.T) {
	for i, call := range calls() {
		for at := 0; at <= len(call.answer); at++ {
			if at > 1000 && at%500 > 0 { // in the middle of a body
				continue
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			gone := errors.New("gone")
			conn, over := halting(call.answer, at, func() { cancel(gone) })
			c, err := imapclient.NewClient(t.Context(), conn, fuzzed())
			require.NoError(t, err)
			err = call.do(ctx, c)
			if err != nil && !errors.Is(err, gone) {
				// What would have followed was not asked for any more, or was refused.
				require.True(t, imapclient.Refused(err) || errors.Is(err, imapclient.ErrSyntax), "call %d at %d: %v", i, at, err)
			}
			if c.State() != imapclient.StateLogout {
				// An answer to a second command of the call's may be taken for this one's.
				if err := c.Noop(t.Context()); !imapclient.Refused(err) {
					require.NoError(t, err, "call %d at %d", i, at)
				}
			}
			_ = c.Close()
			cancel(nil)
			<-over
		}
	}
}

// A SELECT that is left to itself opens the mailbox all the same, and what is told of it is not lost.
func TestCancelledSelect(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	conn, over := halting("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nA1 OK [READ-ONLY] done\r\n", 3, cancel)
	c, err := imapclient.NewClient(t.Context(), conn, fuzzed())
	require.NoError(t, err)
	_, err = c.Select(ctx, "INBOX", nil)
	if err != nil {
		require.ErrorIs(t, err, context.Canceled)
	}
	require.NoError(t, c.Noop(t.Context()))
	box := c.Mailbox()
	require.NotNil(t, box)
	require.Equal(t, []uint32{3, 7}, []uint32{box.Messages, box.UIDValidity})
	require.True(t, box.ReadOnly)
	require.NoError(t, c.Close())
	<-over
}

// What a function given to Raw writes belongs to the caller when Raw has returned.
func TestCancelledRaw(t *testing.T) {
	answer := "* XFROB a {3}\r\nabc d\r\n* XFROB x\r\nA1 OK x\r\n"
	for at := range len(answer) {
		ctx, cancel := context.WithCancel(t.Context())
		conn, over := halting(answer, at, cancel)
		c, err := imapclient.NewClient(t.Context(), conn, fuzzed())
		require.NoError(t, err)
		var got []string
		_, err = c.Raw(ctx, "XFROB", func(_ string, d *imap.Decoder) bool {
			got = append(got, d.Text())
			return true
		})
		if err != nil {
			got = append(got, err.Error())
		}
		require.NoError(t, c.Noop(t.Context()))
		require.NoError(t, c.Close())
		<-over
	}
}
