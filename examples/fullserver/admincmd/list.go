package admincmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/buuta/mail/examples/fullserver/queuecmd"
)

// usage is what a domain's accounts keep; nil where no server runs that could tell.
func (c *call) usage(ctx context.Context, domain string) (queuecmd.Usage, error) {
	u, err := queuecmd.UsageOf(ctx, c.socket(), domain)
	if errors.Is(err, queuecmd.ErrNotRunning) {
		return nil, nil
	}
	return u, err
}

// used writes what is used of a limit, in the units of the limit's notation: "120M/1G"; "-" stands for what isn't known, "any" for no limit.
func used(known bool, n, limit int64, size bool) string {
	show := func(n int64) string {
		if !size {
			return strconv.FormatInt(n, 10)
		}
		unit, f := "", float64(n)
		for _, u := range []string{"k", "M", "G", "T"} {
			if f < 1024 {
				break
			}
			unit, f = u, f/1024
		}
		if unit == "" || f >= 100 || f == float64(int64(f)) {
			return strconv.FormatFloat(f, 'f', 0, 64) + unit
		}
		return strconv.FormatFloat(f, 'f', 1, 64) + unit
	}
	out := "-"
	if known {
		out = show(n)
	}
	if limit == 0 {
		return out + "/any"
	}
	return out + "/" + show(limit)
}

func listDomains(ctx context.Context, c *call) error {
	domains, err := c.domains(ctx)
	if err != nil {
		return err
	}
	all, err := c.a.DomainsOf(ctx, domains...)
	if err != nil {
		return err
	}
	for _, d := range all {
		u, err := c.usage(ctx, d.Name)
		if err != nil {
			return err
		}
		var octets, messages int64
		for _, one := range u {
			octets, messages = octets+one.Storage, messages+one.Messages
		}
		l := d.Limits
		fmt.Fprintf(c.Stdout, "%s mailboxes=%s aliases=%s storage=%s messages=%s\n", d.Name, used(true, int64(len(d.Mailboxes)), l.Mailboxes, false),
			used(true, int64(d.Aliases), l.Aliases, false), used(u != nil, octets, l.Storage, true), used(u != nil, messages, l.Messages, false))
	}
	return nil
}

func listUsers(ctx context.Context, c *call) error {
	domains, err := c.domains(ctx)
	if err != nil {
		return err
	}
	for _, name := range domains {
		users, err := c.a.UsersOf(ctx, name)
		if err != nil {
			return err
		}
		usage, err := c.usage(ctx, name)
		if err != nil {
			return err
		}
		for _, u := range users {
			has := usage[u.Name]
			fmt.Fprintf(c.Stdout, "%s storage=%s messages=%s\n", u.Name, used(usage != nil, has.Storage, u.Quota.Storage, true), used(usage != nil, has.Messages, u.Quota.Messages, false))
		}
	}
	return nil
}

func listAliases(ctx context.Context, c *call) error {
	domains, err := c.domains(ctx)
	if err != nil {
		return err
	}
	aliases, err := c.a.AliasesOf(ctx, domains...)
	for _, a := range aliases {
		fmt.Fprintf(c.Stdout, "%s %s\n", a.Address, a.To)
	}
	return err
}

func exportUsers(ctx context.Context, c *call) error {
	domains, err := c.domains(ctx)
	if err != nil {
		return err
	}
	return c.a.ExportUsers(ctx, c.Stdout, domains...)
}

// importUsers says of each line what is done with it. With "check" nothing is done.
func importUsers(ctx context.Context, c *call) error {
	if c.word(0) != "" && c.word(0) != "check" {
		return errors.New("user import: check, or nothing?")
	}
	lines, err := c.a.ImportUsers(ctx, c.Stdin, c.word(0) == "check")
	for _, l := range lines {
		text := "add " + l.User
		if l.Err != nil {
			text = "WRONG: " + l.Err.Error()
		}
		fmt.Fprintf(c.Stdout, "line %d: %s\n", l.Line, text)
	}
	return err
}
