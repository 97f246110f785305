package smtp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// scripted plays the server's part of a conversation. Each line is "S: " and what the server sends, "C: " and what it
// must receive, "C* N" for N octets of anything that are added to *octets, or "S! " to hang up.
type scripted struct {
	conn   net.Conn
	r      *bufio.Reader
	octets strings.Builder
}

// playServer runs a script against f, which gets the client's end of the connection.
func playServer(t testing.TB, script string, f func(conn net.Conn)) string {
	t.Helper()
	ours, theirs := net.Pipe()
	d := newScripted(theirs)
	done := make(chan error, 1)
	go func() {
		defer theirs.Close()
		done <- d.run(script)
	}()
	f(ours)
	ours.Close()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("the script has not been played to its end")
	}
	return d.octets.String()
}

func newScripted(conn net.Conn) *scripted {
	return &scripted{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
}

func (d *scripted) run(script string) error {
	for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
		line = strings.TrimLeft(line, "\t ")
		kind, rest, _ := strings.Cut(line, " ")
		var err error
		switch kind {
		case "S:":
			_, err = io.WriteString(d.conn, rest+"\r\n")
		case "S!":
			return nil
		case "C:":
			var got string
			got, err = d.r.ReadString('\n')
			if err == nil && got != rest+"\r\n" {
				err = fmt.Errorf("expected %q, got %q", rest, got)
			}
		case "C*":
			var n int
			fmt.Sscan(rest, &n)
			_, err = io.CopyN(&d.octets, d.r, int64(n))
		case "":
		default:
			err = fmt.Errorf("bad script line %q", line)
		}
		if err != nil {
			return fmt.Errorf("at %q: %w", line, err)
		}
	}
	return nil
}

// greeted is how most scripts begin.
func greeted(capabilities ...string) string {
	lines := []string{"S: 220 mx.example.net ESMTP", "C: EHLO client.example.org"}
	all := append([]string{"mx.example.net"}, capabilities...)
	for i, c := range all {
		sep := "-"
		if i == len(all)-1 {
			sep = " "
		}
		lines = append(lines, "S: 250"+sep+c)
	}
	return strings.Join(lines, "\n") + "\n"
}

// clientOn makes a client for a script that begins with greeted.
func clientOn(t testing.TB, conn net.Conn, opts *smtp.ClientOptions) *smtp.Client {
	t.Helper()
	c, err := smtp.NewClient(context.Background(), conn, named(opts))
	require.NoError(t, err)
	return c
}

func named(opts *smtp.ClientOptions) *smtp.ClientOptions {
	o := smtp.ClientOptions{}
	if opts != nil {
		o = *opts
	}
	o.LocalName, o.ServerName = "client.example.org", "mx.example.net"
	return &o
}

// envelopeOf makes one from addresses.
func envelopeOf(from string, to ...string) *mail.Envelope {
	env := &mail.Envelope{From: from}
	for _, a := range to {
		env.Recipients = append(env.Recipients, mail.Recipient{Address: a})
	}
	return env
}

// sendOn is a client's Send of a small message.
func sendOn(c *smtp.Client, env *mail.Envelope, message string) ([]mail.Result, error) {
	return c.Send(context.Background(), env, strings.NewReader(message))
}
