package doveadm

import (
	"context"
	"errors"
	"net"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/mime/charset"
)

// session is an IMAP session on one user's mail, with a server of its own that nobody else can reach.
type session struct {
	*imapclient.Client
	user string // as Dovecot's messages call it
	end  func()
}

// dial begins a session on an account of a store.
func dial(ctx context.Context, store mail.Store, account, user string) (*session, error) {
	here, there := net.Pipe()
	srv := &imapserver.Server{Store: store, Hostname: "doveadm", CharsetReader: charset.NewReader,
		Authenticator: mail.AuthenticatorFunc(func(context.Context, *mail.AuthRequest) (*mail.Identity, error) {
			return &mail.Identity{Username: account}, nil
		}),
		AllowPlaintext: func(*imapserver.Conn) bool { return true },
		Limits:         imapserver.Limits{MessageSize: -1},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeConn(ctx, there)
	}()
	end := func() {
		_ = here.Close()
		_ = srv.Close()
		<-done
	}
	c, err := imapclient.NewClient(ctx, here, &imapclient.Options{TLS: imapclient.TLSNone, CharsetReader: charset.NewReader,
		Auth: &mail.Credentials{Username: account, Password: "-", AllowPlaintext: true}})
	if err != nil {
		end()
		return nil, err
	}
	return &session{Client: c, user: user, end: func() { _ = c.Close(); end() }}, nil
}

// users are those that -u, -A and -F name: accounts, by the names that they were asked for by.
func (c *call) users(ctx context.Context) (names []string, many bool, err error) {
	if c.cmd.each == nil {
		return nil, false, nil
	}
	all := func(mask string) ([]string, error) {
		list, err := c.Users.Users(ctx)
		if err != nil {
			return nil, fatalf(exitTemp, "user listing failed: %v", err)
		}
		return slices.DeleteFunc(slices.Clone(list), func(n string) bool { ok, _ := path.Match(mask, n); return !ok }), nil
	}
	mask, one := c.flags['u']
	switch {
	case c.flag('A'):
		names, err = all("*")
		return names, true, err
	case c.flag('F'):
		return strings.Fields(c.flags['F']), true, nil
	case one && strings.ContainsAny(mask, "*?"):
		names, err = all(mask)
		return names, true, err
	case one:
		return []string{mask}, false, nil
	}
	return nil, false, fatalf(exitUsage, "USER environment is missing and -u option not used")
}

// Prepare puts what only the program that the operator calls can know into a command line, before a server gets it: the names in the file of -F, and
// who calls ($USER) where nobody is named.
func Prepare(args []string, getenv func(string) string) ([]string, error) {
	head := 0
	for head < len(args) && strings.HasPrefix(args[head], "-") {
		if args[head] == "-f" || args[head] == "-o" {
			head++
		}
		head++
	}
	if head >= len(args) {
		return args, nil
	}
	cmd, rest := find(args[head:])
	if cmd == nil || cmd.each == nil {
		return args, nil
	}
	c := &call{Env: &Env{}, cmd: cmd, flags: map[byte]string{}}
	if c.parse(rest) != nil {
		return args, nil
	}
	at := len(args) - len(c.args) // behind the flags, the last of which counts
	if at > 0 && args[at-1] == "--" {
		at--
	}
	switch user := getenv("USER"); {
	case c.flag('F'):
		text, err := os.ReadFile(c.flags['F'])
		if err != nil {
			return nil, err
		}
		return slices.Insert(slices.Clone(args), at, "-F\n"+string(text)), nil
	case !c.flag('u') && !c.flag('A') && user != "" && user != "root":
		return slices.Insert(slices.Clone(args), at, "-u"+user), nil
	}
	return args, nil
}

// forUser runs a command for one user. What goes wrong with this one's mail is told and remembered; the next comes all the same.
func (c *call) forUser(ctx context.Context, name string) error {
	u, err := c.Env.Users.Lookup(ctx, name)
	if err == nil && u == nil {
		c.fail(name, exitNoUser, "User doesn't exist")
		return nil
	}
	if err != nil {
		c.fail(name, exitTemp, "%v", err)
		return nil
	}
	s, err := dial(ctx, c.Store, u.Name, name)
	if err != nil {
		c.fail(name, exitTemp, "%v", err)
		return nil
	}
	defer s.end()
	if c.many {
		c.print.first = u.Name
	}
	err = c.cmd.each(ctx, c, s)
	if _, ends := errors.AsType[*fatal](err); ends || ctx.Err() != nil {
		return err
	}
	if err != nil {
		c.fail(name, statusOf(err), "%v", plain(err))
	}
	return nil
}

// statusOf is the exit status that an error of the mail's means.
func statusOf(err error) int {
	switch imapclient.CodeOf(err) {
	case imap.CodeNonExistent, imap.CodeTryCreate:
		return exitNotFound
	case imap.CodeAlreadyExists:
		return exitData
	case imap.CodeNoPerm:
		return exitNoPerm
	}
	return exitTemp
}

// because is why a mailbox can't be had, in Dovecot's words where it has some.
func because(err error, box string) string {
	switch imapclient.CodeOf(err) {
	case imap.CodeNonExistent, imap.CodeTryCreate:
		return "Mailbox doesn't exist: " + box
	case imap.CodeAlreadyExists:
		return "Mailbox already exists"
	}
	return plain(err)
}

// plain is an error without the command that it came from.
func plain(err error) string {
	if s, ok := errors.AsType[*imap.Status](err); ok {
		return s.Text
	}
	return err.Error()
}
