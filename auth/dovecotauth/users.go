package dovecotauth

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// User is somebody who has a mailbox, by what Dovecot wants to know of him.
type User struct {
	Name string
	// Fields are home, uid, gid, mail, quota_rule and what else userdb may say.
	Fields map[string]string
}

// Users knows who there is. It may be used by many goroutines at once.
type Users interface {
	// User returns a user, nil where there is none of that name. An error says that nobody knows.
	User(ctx context.Context, name string) (*User, error)
	// List returns the names of all users. An error says that some may be missing.
	List(ctx context.Context) iter.Seq2[string, error]
}

// serveUsers talks to a client that asks about users, what Dovecot calls a master.
func (c *conn) serveUsers() error {
	c.send(line("VERSION", "1", "2"), line("SPID", strconv.Itoa(pid)))
	return c.commands(func(words []string) error {
		if len(words) < 2 {
			return nil
		}
		if _, err := requestID(words[1]); err != nil && words[0] != "CPID" && words[0] != "VERSION" {
			return err
		}
		switch id := words[1]; words[0] {
		case "USER":
			if len(words) < 3 {
				return errors.New("a USER without a name")
			}
			c.user(id, unescaper.Replace(words[2]))
		case "LIST":
			c.list(id, fields(words[2:])["user"])
		case "REQUEST", "PASS": // logins of other connections, and passwords, are not told
			c.send(line("FAIL", id, "reason=not served here"))
		}
		return nil
	})
}

func (c *conn) user(id, name string) {
	u, err := c.srv.Users.User(c.ctx, name)
	switch {
	case err != nil:
		if c.srv.Logger != nil {
			c.srv.Logger.Warn("a user can't be looked up", "user", name, "error", err)
		}
		c.send(line("FAIL", id, "reason=Temporary failure", "code=temp_fail"))
	case u == nil:
		c.send(line("NOTFOUND", id))
	default:
		words := []string{"USER", id, escape(u.Name)}
		for _, n := range slices.Sorted(maps.Keys(u.Fields)) {
			words = append(words, escape(n)+"="+escape(u.Fields[n]))
		}
		c.send(line(words...))
	}
}

// list sends all names that a mask with * and ? fits, none being all.
func (c *conn) list(id, mask string) {
	failed := false
	for name, err := range c.srv.Users.List(c.ctx) {
		if err != nil {
			failed = true
			if c.srv.Logger != nil {
				c.srv.Logger.Warn("users can't be listed", "error", err)
			}
			continue
		}
		if mask == "" || matches(mask, name) {
			c.send(line("LIST", id, escape(name)))
		}
		if c.ctx.Err() != nil {
			return
		}
	}
	if failed {
		c.send(line("DONE", id, "fail"))
		return
	}
	c.send(line("DONE", id, "")) // as Dovecot has it
}

// matches knows * and ? only.
func matches(mask, name string) bool {
	mask = strings.NewReplacer("[", `\[`, `\`, `\\`, "/", "\x02").Replace(mask)
	ok, err := path.Match(mask, strings.ReplaceAll(name, "/", "\x02"))
	return ok && err == nil
}

// errReply is what a server's line that isn't understood becomes.
func errReply(text string) error {
	return fmt.Errorf("the authentication server answered %.100q", text)
}
