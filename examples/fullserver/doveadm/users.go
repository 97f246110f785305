package doveadm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/quota"
)

func userCommands() []*command {
	return []*command{
		{name: "user", flags: "f:", usage: "[-f <field>] <user mask> [<user mask> [...]]", least: 1, once: user},
		{name: "auth test", flags: "x:", usage: "[-x <auth info>] <user> [<password>]", least: 1, once: authTest},
		{name: "auth login", flags: "x:", usage: "[-x <auth info>] <user> [<password>]", least: 1, once: authLogin},
		{name: "auth cache flush", usage: "", once: cacheFlush},
		{name: "pw", flags: "lp:r:s:t:u:V", usage: "[-l] [-p <plaintext>] [-s <scheme>] [-t <hash>] [-u <user>] [-V]", once: pw},
	}
}

// user prints what is known of users, or with wildcards which there are.
func user(ctx context.Context, c *call) error {
	if strings.ContainsAny(c.args[0], "*?") {
		list, err := c.Users.Users(ctx)
		if err != nil {
			return fatalf(exitTemp, "user listing failed: %v", err)
		}
		for _, n := range list {
			if slices.ContainsFunc(c.args, func(mask string) bool { ok, _ := path.Match(mask, n); return ok }) {
				fmt.Fprintln(c.Stdout, n)
			}
		}
		return nil
	}
	one, field := c.flags['f']
	if !field {
		fmt.Fprint(c.Stdout, "field\tvalue\n")
	}
	for _, name := range c.args {
		u, err := c.Users.Lookup(ctx, name)
		if err != nil {
			return fatalf(exitTemp, "userdb lookup: %v", err)
		}
		if u == nil {
			fmt.Fprintf(c.Stderr, "\nuserdb lookup: user %s doesn't exist\n", name)
			c.status = exitNoUser
			continue
		}
		where, err := c.Location(u.Name)
		if err != nil {
			return fatalf(exitTemp, "%s: %v", name, err)
		}
		rows := [][2]string{{"user", u.Name}, {"home", u.Home}, {"mail", where}}
		if rule := quota.RuleOf(u); rule != "" {
			rows = append(rows, [2]string{"quota_rule", rule})
		}
		for _, r := range rows {
			switch {
			case field && r[0] == one:
				fmt.Fprintln(c.Stdout, r[1])
			case !field && r[1] != "":
				fmt.Fprintf(c.Stdout, "%s\t%s\n", r[0], r[1])
			}
		}
	}
	return nil
}

// authTest says whether a password is right.
func authTest(ctx context.Context, c *call) error {
	id, err := c.login(ctx)
	name := c.args[0]
	verdict := "succeeded"
	switch {
	case errors.Is(err, mail.ErrAuthFailed):
		verdict, c.status = "failed", exitNoPerm
	case err != nil:
		return fatalf(exitTemp, "%v", err)
	default:
		name = id.Username
	}
	fmt.Fprintf(c.Stdout, "passdb: %s auth %s\nextra fields:\n  user=%s\n", c.args[0], verdict, name)
	return nil
}

// authLogin is authTest, and shows the user's fields where the password is right.
func authLogin(ctx context.Context, c *call) error {
	if err := authTest(ctx, c); err != nil || c.status != 0 {
		return err
	}
	c.args = c.args[:1]
	fmt.Fprintln(c.Stdout)
	return user(ctx, c)
}

// login tries a password, which is asked for where it isn't among the words.
func (c *call) login(ctx context.Context) (*mail.Identity, error) {
	q := &mail.AuthRequest{Username: c.args[0], Mechanism: "PLAIN", Service: "doveadm", Secured: true}
	for info := range strings.FieldsSeq(c.flags['x']) {
		name, value, _ := strings.Cut(info, "=")
		switch name {
		case "service":
			q.Service = value
		case "rip":
			q.Remote = &net.TCPAddr{IP: net.ParseIP(value)}
		}
	}
	if len(c.args) > 1 {
		q.Password = c.args[1]
	} else {
		var err error
		if q.Password, err = c.password(); err != nil {
			return nil, err
		}
	}
	return c.Users.Authenticator(c.Mechanisms...).Authenticate(ctx, q)
}

// password reads a line from standard input.
func (c *call) password() (string, error) {
	fmt.Fprint(c.Stderr, "Password: ")
	line, err := bufio.NewReader(io.LimitReader(c.Stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func cacheFlush(_ context.Context, c *call) error {
	if err := c.Users.Reload(); err != nil {
		return fatalf(exitTemp, "%v", err)
	}
	fmt.Fprintln(c.Stdout, "cache entries flushed")
	return nil
}

// pw makes the hash of a password, or tries one.
func pw(_ context.Context, c *call) error {
	if c.flag('l') {
		fmt.Fprintln(c.Stdout, "SHA512-CRYPT SCRAM-SHA-256")
		return nil
	}
	plain, ok := c.flags['p']
	if !ok {
		var err error
		if plain, err = c.password(); err != nil {
			return err
		}
	}
	hash, test := c.flags['t']
	if !test {
		var err error
		if hash, err = passwdfile.Hash(c.flags['s'], plain); err != nil {
			return fatalf(exitTemp, "%v", err)
		}
		if !c.flag('V') {
			fmt.Fprintln(c.Stdout, hash)
			return nil
		}
	}
	s, err := passwdfile.ParseSecret(hash, c.flags['s'])
	if err != nil {
		return fatalf(exitTemp, "%v", err)
	}
	if !s.Verify(plain) {
		return fatalf(exitTemp, "reverse password verification check failed: Password mismatch")
	}
	fmt.Fprintln(c.Stdout, hash+" (verified)")
	return nil
}
