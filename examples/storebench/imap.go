package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
)

// client is an IMAP connection that sends a command and reads what comes.
type client struct {
	c   net.Conn
	r   *bufio.Reader
	tag int
}

// dial logs a user in and, where mailbox is set, selects it.
func dial(addr, user, mailbox string) (*client, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	k := &client{c: c, r: bufio.NewReaderSize(c, 256<<10)}
	if _, err := k.r.ReadString('\n'); err != nil {
		return nil, err
	}
	if _, err := k.do("LOGIN " + user + " x"); err != nil {
		return nil, err
	}
	if mailbox != "" {
		_, err = k.do("SELECT " + mailbox)
	}
	return k, err
}

// do sends a command and returns how many lines came before the one that ends it.
func (k *client) do(cmd string) (lines int, err error) {
	k.tag++
	if _, err := fmt.Fprintf(k.c, "a%d %s\r\n", k.tag, cmd); err != nil {
		return 0, err
	}
	return k.end()
}

func (k *client) end() (lines int, err error) {
	tag := fmt.Sprintf("a%d ", k.tag)
	for {
		line, err := k.r.ReadSlice('\n')
		if err != nil {
			return lines, err
		}
		rest, ok := strings.CutPrefix(string(line), tag)
		if !ok {
			lines++
			continue
		}
		if !strings.HasPrefix(rest, "OK") {
			return lines, errors.New(strings.TrimSpace(rest))
		}
		return lines, nil
	}
}

// append adds a message, with a literal that the server is asked for.
func (k *client) append(mailbox, content string) error {
	k.tag++
	if _, err := fmt.Fprintf(k.c, "a%d APPEND %s {%d}\r\n", k.tag, mailbox, len(content)); err != nil {
		return err
	}
	if line, err := k.r.ReadString('\n'); err != nil || line[0] != '+' {
		return fmt.Errorf("APPEND: %q %w", line, err)
	}
	if _, err := k.c.Write([]byte(content + "\r\n")); err != nil {
		return err
	}
	_, err := k.end()
	return err
}

func (k *client) close() { k.c.Close() }

// serve serves a store over IMAP.
func serve(s mail.Store) (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &imapserver.Server{
		Store: s,
		Authenticator: mail.AuthenticatorFunc(func(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
			return &mail.Identity{Username: a.Username}, nil
		}),
		AllowPlaintext: func(*imapserver.Conn) bool { return true },
	}
	go srv.Serve(l)
	return l.Addr().String(), func() { srv.Close() }, nil
}
