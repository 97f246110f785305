package scene

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/stretchr/testify/require"
)

// Client is a connection that a test speaks SMTP on, a line and a reply at a time.
type Client struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

// Dial connects from an address of the scene.
func (s *Scene) Dial(from, to string) *Client {
	s.t.Helper()
	s.Address(from)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := d.Dial("tcp", to)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	require.NoError(s.t, c.SetDeadline(time.Now().Add(2*patience)))
	return &Client{s.t, c, bufio.NewReader(c)}
}

// Reply reads a reply and returns its last line.
func (c *Client) Reply() string {
	c.t.Helper()
	for {
		l, err := c.r.ReadString('\n')
		require.NoError(c.t, err)
		if len(l) < 4 || l[3] != '-' {
			return strings.TrimRight(l, "\r\n")
		}
	}
}

// Say sends a line and returns the reply.
func (c *Client) Say(line string) string {
	c.t.Helper()
	_, err := io.WriteString(c.c, line+"\r\n")
	require.NoError(c.t, err)
	return c.Reply()
}

// Login starts TLS and logs in.
func (c *Client) Login(user string) {
	c.t.Helper()
	require.Contains(c.t, c.Say("EHLO client.example"), "250 ")
	require.Contains(c.t, c.Say("STARTTLS"), "220 ")
	s := tls.Client(c.c, &tls.Config{InsecureSkipVerify: true})
	require.NoError(c.t, s.Handshake())
	c.c, c.r = s, bufio.NewReader(s)
	require.Contains(c.t, c.Say("EHLO client.example"), "250 ")
	require.Contains(c.t, c.Say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+Password))), "235 ")
}

// Letter is a message with its envelope.
type Letter struct {
	From, To string // To: several with spaces between
	Subject  string
	Header   string // more fields, or others in the place of From and To
	Body     string
}

// Text is the message.
func (l *Letter) Text() string {
	head := l.Header
	for _, f := range []struct{ name, value string }{{"From", l.From}, {"To", strings.ReplaceAll(l.To, " ", ", ")}} {
		if !strings.Contains("\r\n"+head, "\r\n"+f.name+": ") && f.value != "" {
			head += f.name + ": " + f.value + "\r\n"
		}
	}
	return head + "Subject: " + l.Subject + "\r\nDate: " + time.Now().Format(time.RFC1123Z) + "\r\nMessage-ID: <" + strings.ReplaceAll(l.Subject, " ", ".") + "@client.example>\r\n\r\n" + l.Body + "\r\n"
}

// Transact hands in a letter on a session that has said EHLO, and returns the first reply that isn't yes, or the last one.
func (c *Client) Transact(l Letter) string {
	c.t.Helper()
	reply := c.Say("MAIL FROM:<" + l.From + ">")
	for _, to := range strings.Fields(l.To) {
		if reply[0] == '2' {
			reply = c.Say("RCPT TO:<" + to + ">")
		}
	}
	if reply[0] == '2' {
		reply = c.Say("DATA")
	}
	if reply[0] == '3' {
		reply = c.Say(strings.ReplaceAll(l.Text(), "\r\n.", "\r\n..") + ".")
	} else {
		c.Say("RSET")
	}
	return reply
}

// Post hands in a letter at port 25 of a host from an address, and returns the reply that decided.
func (s *Scene) Post(from string, to *Host, l Letter) string {
	s.t.Helper()
	c := s.Dial(from, to.Addr+":25")
	defer c.c.Close()
	if r := c.Reply(); r[0] != '2' {
		return r
	}
	if r := c.Say("EHLO client.example"); r[0] != '2' {
		return r
	}
	reply := c.Transact(l)
	c.Say("QUIT")
	return reply
}

// Submit is Post by a user who logs in at port 587.
func (s *Scene) Submit(from string, to *Host, user string, l Letter) string {
	s.t.Helper()
	c := s.Dial(from, to.Addr+":587")
	defer c.c.Close()
	c.Reply()
	c.Login(user)
	reply := c.Transact(l)
	c.Say("QUIT")
	return reply
}

// Accepted fails the test unless a reply takes the message.
func Accepted(t *testing.T, reply string) {
	t.Helper()
	require.Contains(t, reply, "250 2.0.0 Ok: queued as ")
}

// Arrives waits for a message in a user's mailbox, reads it by IMAP, as its reader would, and returns it.
func (h *Host) Arrives(user, subject string) string {
	h.t.Helper()
	Eventually(h.t, func() error {
		for _, name := range h.Messages(user) {
			if b, _ := os.ReadFile(name); strings.Contains(string(b), "Subject: "+subject) {
				return nil
			}
		}
		return fmt.Errorf("%s has no message %q at %s (%s)", user, subject, h.Addr, h.kind)
	})
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	if h.kind == "Debian" {
		user, _, _ = strings.Cut(user, "@")
	}
	c, err := imapclient.Dial(ctx, h.imap, &imapclient.Options{TLSConfig: &tls.Config{InsecureSkipVerify: true}, Auth: &mail.Credentials{Username: user, Password: Password, AllowPlaintext: true}})
	require.NoError(h.t, err)
	defer c.Close()
	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(h.t, err)
	text := ""
	for m, err := range c.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}}) {
		require.NoError(h.t, err)
		if data, ok := m.Section(imap.Section{}); ok && strings.Contains(string(data), "Subject: "+subject) {
			text = string(data)
		}
	}
	require.NoError(h.t, c.Logout(ctx))
	return text
}

// Quit ends the session.
func (c *Client) Quit() {
	c.t.Helper()
	c.Say("QUIT")
	c.c.Close()
}

// Ask says MAIL and RCPT and takes it back: it returns the reply to RCPT.
func (c *Client) Ask(from, to string) string {
	c.t.Helper()
	c.Say("MAIL FROM:<" + from + ">")
	reply := c.Say("RCPT TO:<" + to + ">")
	c.Say("RSET")
	return reply
}
