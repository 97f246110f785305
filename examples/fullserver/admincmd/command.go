package admincmd

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
)

// Env is what the commands work with.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Config         func() (*config.Config, error)
	// Prompt is called before a password is read.
	Prompt func()
}

// call is a command that has been understood so far.
type call struct {
	*Env
	s    *site
	a    *admin.Actor
	args []string
}

// verb is what a command can do. With least and most words after it; most < 0: any number.
type verb struct {
	least, most int
	usage       string
	run         func(ctx context.Context, c *call) error
}

var commands = map[string]map[string]verb{
	"user": {
		"list":    {0, 1, "[domain]", listUsers},
		"add":     {1, 1, "user@domain < password", func(ctx context.Context, c *call) error { return c.withPassword(ctx, c.a.AddUser) }},
		"passwd":  {1, 1, "user@domain < password", func(ctx context.Context, c *call) error { return c.withPassword(ctx, c.a.SetPassword) }},
		"quota":   {1, 2, "user@domain [*:storage=1G:messages=1000]", func(ctx context.Context, c *call) error { return c.a.SetQuota(ctx, c.args[0], c.word(1)) }},
		"disable": {1, 1, "user@domain", func(ctx context.Context, c *call) error { return c.a.SetDisabled(ctx, c.args[0], true) }},
		"enable":  {1, 1, "user@domain", func(ctx context.Context, c *call) error { return c.a.SetDisabled(ctx, c.args[0], false) }},
		"import":  {0, 1, "[check] < file.csv", importUsers},
		"export":  {0, 1, "[domain]", exportUsers},
		"del":     {1, 1, "user@domain", deleteUser},
	},
	"alias": {
		"list": {0, 1, "[domain]", listAliases},
		"set": {2, -1, "user@domain|@domain address...", func(ctx context.Context, c *call) error {
			return c.a.SetAlias(ctx, c.args[0], c.args[1:]...)
		}},
		"del": {1, 1, "user@domain|@domain", func(ctx context.Context, c *call) error { return c.a.DeleteAlias(ctx, c.args[0]) }},
	},
	"domain": {
		"list": {0, 1, "[domain]", listDomains},
		"add":  {1, 2, "domain [note]", func(ctx context.Context, c *call) error { return c.a.AddDomain(ctx, c.args[0], c.word(1)) }},
		"del":  {1, 1, "domain", func(ctx context.Context, c *call) error { return c.a.DeleteDomain(ctx, c.args[0]) }},
		"quota": {1, 2, "domain [*:storage=50G:messages=N:mailboxes=N:aliases=N]", func(ctx context.Context, c *call) error {
			return c.a.SetDomainQuota(ctx, c.args[0], c.word(1))
		}},
		"admin": {3, 3, "add|del domain user@domain", setAdmin},
	},
}

// Known reports whether there is a command of that name.
func Known(name string) bool { return commands[name] != nil }

// Run runs a command and returns its exit status: 2 for a wrong word, 1 where something was refused or went wrong.
func (e *Env) Run(ctx context.Context, name string, args []string) int {
	who, args, err := actor(args)
	verbs := commands[name]
	if err != nil || len(args) == 0 || verbs[args[0]].run == nil {
		e.usage(name, err)
		return 2
	}
	v := verbs[args[0]]
	if args = args[1:]; len(args) < v.least || v.most >= 0 && len(args) > v.most {
		e.usage(name, nil)
		return 2
	}
	if err := e.run(ctx, v, who, args); err != nil {
		fmt.Fprintf(e.Stderr, "%s: fatal: %v\n", name, err)
		return 1
	}
	return 0
}

func (e *Env) run(ctx context.Context, v verb, who string, args []string) error {
	c, err := e.Config()
	if err != nil {
		return err
	}
	s, err := open(ctx, c, e.Stderr)
	if err != nil {
		return err
	}
	defer s.Close()
	a := s.Operator()
	if who != "" {
		if a, err = s.As(ctx, who); err != nil {
			return err
		}
	}
	return v.run(ctx, &call{e, s, a, args})
}

// actor reads -as. Twice is an error: whoever lets others call this with words of theirs behind his own relies on it.
func actor(args []string) (who string, rest []string, err error) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Func("as", "", func(s string) error {
		if s == "" || who != "" {
			return errors.New("takes one user@domain, once")
		}
		who = s
		return nil
	})
	err = fs.Parse(args)
	return who, fs.Args(), err
}

func (e *Env) usage(name string, err error) {
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(e.Stderr, "%s: fatal: %v\n", name, err)
	}
	var words []string
	for w := range commands[name] {
		words = append(words, w)
	}
	slices.Sort(words)
	for _, w := range words {
		fmt.Fprintf(e.Stderr, "usage: fullserver [-c main.cf] %s [-as administrator] %s %s\n", name, w, commands[name][w].usage)
	}
}

// word is the n-th word, "" where there is none.
func (c *call) word(n int) string {
	if n < len(c.args) {
		return c.args[n]
	}
	return ""
}

// withPassword does what needs one, which is the first line of standard input.
func (c *call) withPassword(ctx context.Context, do func(ctx context.Context, user, password string) error) error {
	if c.Prompt != nil {
		c.Prompt()
	}
	line, err := bufio.NewReader(io.LimitReader(c.Stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return do(ctx, c.args[0], strings.TrimRight(line, "\r\n"))
}

func deleteUser(ctx context.Context, c *call) error {
	err := c.a.DeleteUser(ctx, c.args[0])
	if err == nil {
		fmt.Fprintln(c.Stderr, "user: what was in the mailbox stays on disk: whoever gets this name next finds it there")
	}
	return err
}

func setAdmin(ctx context.Context, c *call) error {
	if c.args[0] != "add" && c.args[0] != "del" {
		return errors.New("domain admin: add or del?")
	}
	return c.a.SetAdmin(ctx, c.args[2], c.args[1], c.args[0] == "add")
}

// domains are those that were named, else all that are his.
func (c *call) domains(ctx context.Context) ([]string, error) {
	if len(c.args) > 0 {
		return c.args[:1], nil
	}
	return c.a.Names(ctx)
}

// socket is the running server's.
func (c *call) socket() string { return filepath.Join(c.s.control, queuecmd.SocketName) }
