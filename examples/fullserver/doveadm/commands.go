package doveadm

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// command is what one or two words on the command line stand for.
type command struct {
	name  string // "mailbox list"
	flags string // as getopt(3) has them; -u, -A and -F where it works on users' mail
	usage string // what follows the name and the flags
	least int    // arguments that must be there
	out   []column

	once func(ctx context.Context, c *call) error             // before the users, or all there is
	each func(ctx context.Context, c *call, s *session) error // for each of the users
}

// call is a command with its words.
type call struct {
	*Env
	cmd   *command
	flags map[byte]string
	args  []string
	query *query
	print *printer
	many  bool // several users: each record begins with the name
	state any  // what once leaves for each
}

func (c *call) flag(b byte) bool { _, ok := c.flags[b]; return ok }

// ofUsers are the flags of commands that work on users' mail.
const ofUsers = "u:AF:S:"

// commands are all that there are.
func commands() []*command {
	return slices.Concat(mailboxCommands(), searchCommands(), changeCommands(), saveCommands(), userCommands(), serverCommands())
}

// find returns the command that a line begins with, and what follows it.
func find(args []string) (*command, []string) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return c, args[len(words):]
		}
	}
	return nil, nil
}

// run runs a command line that begins with a command.
func (e *Env) run(ctx context.Context, args []string) error {
	if len(args) > 1 && args[0] == "help" {
		args = []string{args[1], "-?"}
	}
	cmd, rest := find(args)
	if cmd == nil {
		if len(args) > 0 {
			return &fatal{exitUsage, usage(args[0]), true}
		}
		return &fatal{exitUsage, usage(""), true}
	}
	c := &call{Env: e, cmd: cmd, flags: map[byte]string{}}
	if err := c.parse(rest); err != nil {
		return err
	}
	users, many, err := c.users(ctx)
	if err != nil {
		return err
	}
	c.many = many
	cols := cmd.out
	if many && cols != nil {
		cols = append([]column{{key: "username", title: "Username"}}, cols...)
	}
	c.print = newPrinter(e.Stdout, e.format, cols)
	if cmd.once != nil {
		if err := cmd.once(ctx, c); err != nil {
			return err
		}
	}
	if cmd.each != nil {
		for _, u := range users {
			if err := c.forUser(ctx, u); err != nil {
				return err
			}
		}
	}
	return c.print.end()
}

// parse takes the flags and checks how many words are left.
func (c *call) parse(args []string) error {
	flags := c.cmd.flags
	if c.cmd.each != nil {
		flags += ofUsers
	}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		word := args[0][1:]
		args = args[1:]
		if word == "-" {
			break
		}
		for word != "" {
			i := strings.IndexByte(flags, word[0])
			if i < 0 || word[0] == ':' {
				return c.usage()
			}
			if !strings.HasPrefix(flags[i+1:], ":") {
				c.flags[word[0]], word = "", word[1:]
				continue
			}
			value := word[1:]
			if value == "" {
				if len(args) == 0 {
					return c.usage()
				}
				value, args = args[0], args[1:]
			}
			c.flags[word[0]], word = value, ""
		}
	}
	if len(args) < c.cmd.least {
		return c.usage()
	}
	c.args = args
	return nil
}

func (c *call) usage() error {
	return &fatal{exitUsage, "doveadm " + c.cmd.line(), true}
}

// line is a command as a usage shows it.
func (c *command) line() string {
	var b strings.Builder
	b.WriteString(c.name)
	if c.each != nil {
		b.WriteString(" [-u <user>|-A|-F <file>]")
	}
	if c.usage != "" {
		b.WriteString(" " + c.usage)
	}
	return b.String()
}

// usage lists the commands, or those that begin with a word if there are any.
func usage(word string) string {
	var b strings.Builder
	b.WriteString("usage: doveadm [-Dv] [-f <formatter>] <command> [<args>]\n")
	all := commands()
	under := slices.DeleteFunc(slices.Clone(all), func(c *command) bool { return !strings.HasPrefix(c.name, word+" ") })
	if len(under) > 0 {
		all = under
	}
	slices.SortFunc(all, func(a, b *command) int { return strings.Compare(a.name, b.name) })
	for _, c := range all {
		fmt.Fprintf(&b, "\n  %s", c.line())
	}
	return b.String()
}
