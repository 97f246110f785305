package admin

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/quota"
)

// maxImport bounds what is read at once: hashing a password takes milliseconds.
const maxImport = 5000

// Line is a line of a file of users and what becomes of it.
type Line struct {
	Line int
	User string // in the form in which it is kept, as far as it could be read
	Err  error  // why it can't be; nil: the user is added
}

// ErrLines says that lines of a file were wrong, so that nothing was done.
var ErrLines = errors.New("nothing was changed: there are lines that can't be used")

// newUser is a line that was read.
type newUser struct {
	name, domain, password, rule string
}

// ImportUsers reads a file of users as CSV, whose first line names its columns: address and password, and if wanted quota (*:storage=1G). All users are added, or with
// an error none; with check nothing is done but looking. Other columns are passed over, so that what ExportUsers writes can be read once it has passwords.
func (a *Actor) ImportUsers(ctx context.Context, r io.Reader, check bool) (lines []Line, err error) {
	if check {
		lines, _, err = a.readUsers(ctx, r)
		return lines, err
	}
	err = a.do("user import", func() error {
		var users []newUser
		if lines, users, err = a.readUsers(ctx, r); err != nil {
			return err
		}
		secrets := make([]string, len(users))
		for i, u := range users {
			if err := ctx.Err(); err != nil {
				return err
			}
			if secrets[i], err = hash(u.password); err != nil {
				return err
			}
		}
		return a.users(ctx, "", func(t *passwdfile.Text) error {
			for i, u := range users {
				err := t.Add(u.name, secrets[i])
				if err == nil && u.rule != "" {
					err = t.SetExtra(u.name, "userdb_quota_rule", u.rule)
				}
				if limit := a.s.Quotas.Domain(ctx, u.domain).Mailboxes; err == nil && limit > 0 && t.InDomain(u.domain) > limit {
					err = fmt.Errorf("%s would have more than %d mailboxes", u.domain, limit)
				}
				if err != nil {
					return fmt.Errorf("line %d: %w", lines[i].Line, err)
				}
			}
			return nil
		})
	})
	if err == nil {
		for _, l := range lines {
			a.s.log(a.logged(), "user add "+l.User, nil)
		}
	}
	return lines, err
}

// readUsers judges each line. The error is ErrLines, or that of something that is no such file.
func (a *Actor) readUsers(ctx context.Context, r io.Reader) (lines []Line, users []newUser, err error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.TrimLeadingSpace = -1, true
	head, err := in.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("the first line must name the columns, like address,password,quota: %w", err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = i
	}
	for _, name := range []string{"address", "password"} {
		if _, ok := column[name]; !ok {
			return nil, nil, fmt.Errorf("the first line must name the columns, like address,password,quota: there is no %s", name)
		}
	}
	seen, counts, wrong := map[string]int{}, map[string]int64{}, false
	for {
		record, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if len(lines) == maxImport {
			return nil, nil, fmt.Errorf("there are more than %d users: make several files of them", maxImport)
		}
		get := func(name string) string {
			if i, ok := column[name]; ok && i < len(record) {
				return record[i]
			}
			return ""
		}
		l := Line{}
		l.Line, _ = in.FieldPos(0)
		u := newUser{password: get("password"), rule: strings.TrimPrefix(get("quota"), "'")}
		l.User = strings.TrimPrefix(get("address"), "'")
		u.name, u.domain, l.Err = a.newcomer(ctx, l.User, &u)
		if l.Err == nil {
			l.User = u.name
			if first := seen[u.name]; first > 0 {
				l.Err = fmt.Errorf("it stands in line %d, too", first)
			}
			seen[u.name] = l.Line
			counts[u.domain]++
		}
		if l.Err == nil {
			l.Err = a.roomFor(ctx, u.domain, counts[u.domain])
		}
		wrong = wrong || l.Err != nil
		lines, users = append(lines, l), append(users, u)
	}
	switch {
	case len(lines) == 0:
		return nil, nil, errors.New("there is no user in it")
	case wrong:
		return lines, nil, ErrLines
	}
	return lines, users, nil
}

// newcomer says whether somebody can be added.
func (a *Actor) newcomer(ctx context.Context, address string, u *newUser) (name, domain string, err error) {
	if name, domain, err = a.own(address); err == nil {
		err = a.above(ctx, name)
	}
	if err == nil {
		err = a.s.mailboxes(ctx, domain)
	}
	if err == nil && (u.password == "" || len(u.password) > passwdfile.MaxPassword) {
		err = errors.New("it needs a password, of 512 octets at most")
	}
	if err == nil {
		err = a.mayHave(ctx, domain, u.rule)
	}
	if err == nil && strings.ContainsAny(u.rule, " \t\r\n") {
		err = errors.New("white space can't stand in a quota")
	}
	if err != nil {
		return "", "", err
	}
	if _, there, err := a.s.Quotas.Users.Find(ctx, name); err != nil {
		return "", "", err
	} else if there {
		return "", "", passwdfile.ErrExists
	}
	return name, domain, nil
}

// roomFor says whether a domain may have so many mailboxes more.
func (a *Actor) roomFor(ctx context.Context, domain string, more int64) error {
	limit := a.s.Quotas.Domain(ctx, domain).Mailboxes
	if limit == 0 {
		return nil
	}
	users, err := a.s.Quotas.Users.InDomain(ctx, domain)
	if err == nil && int64(len(users))+more > limit {
		err = fmt.Errorf("%s has %d mailboxes and may have %d", domain, len(users), limit)
	}
	return err
}

// ExportUsers writes the users of domains as CSV, without their passwords.
func (a *Actor) ExportUsers(ctx context.Context, w io.Writer, domains ...string) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"address", "quota", "disabled"}) // Flush keeps the error
	for _, d := range domains {
		users, err := a.UsersOf(ctx, d)
		if err != nil {
			return err
		}
		for _, u := range users {
			rule, disabled := "", "no"
			if u.Quota != (quota.Rule{}) {
				rule = u.Quota.String()
			}
			if u.Disabled {
				disabled = "yes"
			}
			_ = out.Write([]string{cell(u.Name), cell(rule), disabled})
		}
	}
	out.Flush()
	return out.Error()
}

// cell keeps spreadsheets from taking a name for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
