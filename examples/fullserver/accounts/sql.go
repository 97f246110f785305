package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
)

// sqlSource is a dovecot-sql.conf.ext.
type sqlSource struct {
	a                 *Accounts
	spec              string
	pool              *sqldb.Pool
	scheme            string
	passwords, people *template
	iterate           string
}

func openSQL(spec, file string, a *Accounts) (source, error) {
	s, err := readSettings(file)
	if err != nil {
		return nil, err
	}
	out := &sqlSource{a: a, spec: spec, scheme: s.get("default_pass_scheme", "CRYPT"), iterate: s.get("iterate_query", "SELECT username, domain FROM users")}
	driver := s.get("driver", "")
	c, err := sqldb.ParseConnect(driver, s.get("connect", ""))
	if err != nil {
		return nil, s.errorf("connect", "%v", err)
	}
	if a.o.Databases == nil {
		return nil, errors.New("no databases are to be asked here")
	}
	if out.pool, err = a.o.Databases.Get(c); err != nil {
		return nil, s.errorf("connect", "%v", err)
	}
	if out.passwords, err = s.template("password_query", "SELECT username, domain, password FROM users WHERE username = '%n' AND domain = '%d'", "undwsr"); err != nil {
		return nil, err
	}
	if out.people, err = s.template("user_query", "SELECT home, uid, gid FROM users WHERE username = '%n' AND domain = '%d'", "und"); err != nil {
		return nil, err
	}
	for _, ignored := range []string{"update_query", "userdb_warning_disable"} {
		s.get(ignored, "")
	}
	return out, s.unknown()
}

func (s *sqlSource) name() string                   { return s.spec }
func (s *sqlSource) variables() string              { return s.passwords.variables() }
func (s *sqlSource) ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// row asks for the first row; nil for none. only says that there may be no second one.
func (s *sqlSource) row(ctx context.Context, t *template, r *request, only bool) (fields map[string]string, columns []string, err error) {
	res, err := s.pool.Query(ctx, func(quote sqldb.Quote) (string, error) { return t.expand(r, quote) })
	if err != nil {
		return nil, nil, err
	}
	switch n := len(res.Rows); {
	case n == 0:
		return nil, nil, nil
	case n > 1 && only:
		return nil, nil, fmt.Errorf("the query matches more than one user")
	}
	fields = map[string]string{}
	for i, v := range res.Rows[0] {
		if !v.Null {
			fields[strings.ToLower(res.Columns[i])] = v.Text
		}
	}
	return fields, res.Columns, nil
}

func (s *sqlSource) login(ctx context.Context, r *request) (*record, error) {
	if strings.ContainsRune(r.password, 0) && strings.Contains(s.variables(), "w") {
		return nil, nil // a text that no database has
	}
	fields, columns, err := s.row(ctx, s.passwords, r, true)
	if fields == nil || err != nil {
		return nil, err
	}
	has := false
	for _, c := range columns {
		has = has || strings.EqualFold(c, "password")
	}
	if !has {
		return nil, errors.New("password_query must return a field named password")
	}
	return newRecord(r.user, fields, s.scheme, s.a.o.Domain)
}

func (s *sqlSource) user(ctx context.Context, r *request) (*User, error) {
	fields, _, err := s.row(ctx, s.people, r, false)
	if fields == nil || err != nil {
		return nil, err
	}
	return newUser(r.user, fields, s.a.o.Domain)
}

// list is what iterate_query returns: a column user, or username and perhaps domain.
func (s *sqlSource) list(ctx context.Context) (names []string, err error) {
	res, err := s.pool.Query(ctx, func(sqldb.Quote) (string, error) { return s.iterate, nil })
	if err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		fields := map[string]string{}
		for i, v := range row {
			fields[strings.ToLower(res.Columns[i])] = v.Text
		}
		if name := renamed("", fields); name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}
