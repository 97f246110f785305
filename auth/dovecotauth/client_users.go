package dovecotauth

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"strings"
)

// UserClient asks a server which users there are: Dovecot's auth-userdb socket, or one of [Server.ServeUsers]. It implements [Users]. It keeps one connection. Its fields
// must not change once it is used.
type UserClient struct {
	Path    string                                      // of the socket
	Dial    func(ctx context.Context) (net.Conn, error) // instead of Path
	Service string                                      // who asks; "": "lmtp"

	pool
}

func (c *UserClient) open(ctx context.Context) (*link, error) {
	d := &dialer{c.Path, c.Dial}
	return d.open(ctx, []string{line("VERSION", "1", "1")}, func(words []string) bool { return words[0] == "SPID" })
}

func (c *UserClient) service() string {
	if c.Service == "" {
		return "service=lmtp"
	}
	return "service=" + escape(c.Service)
}

// User implements [Users].
func (c *UserClient) User(ctx context.Context, name string) (*User, error) {
	for {
		l, old, err := c.get(ctx, c.open)
		if err != nil {
			return nil, err
		}
		u, err := c.try(ctx, l, name)
		if err == nil || !old || ctx.Err() != nil {
			return u, err
		}
		select {
		case <-l.gone:
		default:
			return nil, err
		}
	}
}

func (c *UserClient) try(ctx context.Context, l *link, name string) (*User, error) {
	id, answers, err := l.begin("USER", escape(name), c.service())
	if answers == nil {
		return nil, err
	}
	defer l.forget(id)
	if err != nil {
		l.fail(err)
		return nil, err
	}
	words, err := l.wait(ctx, answers)
	switch {
	case err != nil:
		return nil, err
	case words[0] == "NOTFOUND":
		return nil, nil
	case words[0] == "USER" && len(words) > 2 && words[2] != "":
		return &User{Name: unescaper.Replace(words[2]), Fields: fields(words[3:])}, nil
	case words[0] == "FAIL":
		return nil, fmt.Errorf("dovecotauth: the server can't look up a user: %.200q", strings.Join(words[2:], " "))
	}
	return nil, errReply(strings.Join(words, " "))
}

// List implements [Users]. It has a connection of its own.
func (c *UserClient) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		l, err := c.open(ctx)
		if err != nil {
			yield("", err)
			return
		}
		l.many = true
		go l.read()
		defer func() { l.fail(net.ErrClosed); <-l.done }()
		_, answers, err := l.begin("LIST", c.service())
		if err != nil {
			yield("", err)
			return
		}
		for {
			words, err := l.wait(ctx, answers)
			switch {
			case err != nil:
				yield("", err)
				return
			case words[0] == "DONE":
				if len(words) > 2 && words[2] != "" { // "fail"
					yield("", errors.New("dovecotauth: the server can't list all users"))
				}
				return
			case words[0] != "LIST" || len(words) < 3:
				yield("", errReply(strings.Join(words, " ")))
				return
			case !yield(unescaper.Replace(words[2]), nil):
				return
			}
		}
	}
}
