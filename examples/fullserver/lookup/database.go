package lookup

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/dbtable"
	"github.com/buuta/mail/smtp/rewrite"
)

// dbCommon is what tables in databases and directories have in common.
type dbCommon struct {
	templates dbtable.Templates
	domain    *rewrite.Matcher // nil: all
	limit     int              // of results
	noFold    bool
	octets    bool
}

// openDatabase opens a table whose file has parameters. It is read again when it has changed, as all files are.
func openDatabase(ctx context.Context, kind, name string, o *Options,
	configure func(*sources, *dbtable.Params, *dbCommon) (Table, error)) (Table, error) {
	if name[0] != '/' && name[0] != '.' {
		return nil, errors.New("expected " + kind + ":/path of a file with the parameters; those of main.cf (" + name + "_…) belong into one, which only the server may read")
	}
	d := &database{}
	s := &sources{o.Databases, o.Directories}
	if s.databases == nil {
		s.databases = &sqldb.Pools{Dial: o.Dial}
		d.own = append(d.own, s.databases)
	}
	if s.directories == nil {
		s.directories = &directory.Directories{Dial: o.Dial}
		d.own = append(d.own, s.directories)
	}
	file, err := openFile(name, o, func(text string) (Table, error) {
		p, err := dbtable.ParseParams(name, text)
		if err != nil {
			return nil, err
		}
		c, err := newCommon(ctx, p, o)
		if err != nil {
			return nil, err
		}
		t, err := configure(s, p, c)
		if err != nil {
			return nil, err
		}
		for _, problem := range p.Unknown() {
			o.Warn(problem)
		}
		if secret := p.Secret(); secret != "" {
			if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o007 != 0 {
				o.Warn(p.Errorf(secret, "%s may be read by everybody on this machine: chmod 640 %s", secret, name))
			}
		}
		return t, nil
	})
	if err != nil {
		return nil, err
	}
	d.file = file.(*fileTable)
	return d, nil
}

// newCommon reads the parameters that all have.
func newCommon(ctx context.Context, p *dbtable.Params, o *Options) (*dbCommon, error) {
	c := &dbCommon{noFold: o.NoFold, octets: o.NoUTF8}
	var err error
	if c.limit, err = p.Int("expansion_limit", 0, 0); err != nil {
		return nil, err
	}
	if err := c.templates.SetResult(p.String("result_format", p.String("result_filter", "%s"))); err != nil {
		return nil, p.Errorf("result_format", "result_format: %v", err)
	}
	members := p.List("domain", "")
	if len(members) == 0 {
		return c, nil
	}
	c.domain, err = rewrite.ParseDomains(ctx, members, rewrite.MatcherOptions{
		Open: func(ctx context.Context, spec string) (rewrite.Table, error) {
			inner := *o
			return open(ctx, spec, &inner)
		},
	})
	if err != nil {
		return nil, p.Errorf("domain", "domain: %v", err)
	}
	return c, nil
}

// wanted returns the key to ask for; ok is false where there is nothing to ask.
func (c *dbCommon) wanted(ctx context.Context, key string) (asked string, ok bool, err error) {
	if key == "" || strings.IndexByte(key, 0) >= 0 || !utf8.ValidString(key) {
		return "", false, nil
	}
	if !c.noFold {
		key = fold(key, c.octets)
	}
	if c.domain != nil {
		domain, ok := dbtable.Domain(key)
		if !ok || key[0] == '@' {
			return "", false, nil
		}
		if ok, err := c.domain.Match(ctx, fold(domain, c.octets)); !ok || err != nil {
			return "", false, err
		}
	}
	return key, c.templates.Applies(key), nil
}

// database is a table's file, with the connections that are the table's own.
type database struct {
	file *fileTable
	own  []io.Closer
}

// sources are the connections that tables have.
type sources struct {
	databases   *sqldb.Pools
	directories *directory.Directories
}

func (d *database) Find(ctx context.Context, key string) (string, bool, error) {
	return d.file.Find(ctx, key)
}

// Ping implements pinger.
func (d *database) Ping(ctx context.Context) error { return Ping(ctx, d.file.table()) }

func (d *database) Close() error {
	var errs []error
	for _, c := range d.own {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// pinger is a table that somebody else has to answer for.
type pinger interface{ Ping(context.Context) error }

// Ping asks whether those who have to answer for a table are there: databases and directories. Other tables always are.
func Ping(ctx context.Context, t Table) error {
	if p, ok := t.(pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// Ping implements pinger.
func (g *guarded) Ping(ctx context.Context) error {
	if err := Ping(ctx, g.table); err != nil {
		return &TableError{g.name, err}
	}
	return nil
}

// Ping implements pinger.
func (c combined) Ping(ctx context.Context) error { return pingAll(ctx, c.tables) }

// Ping implements pinger.
func (l *List) Ping(ctx context.Context) error { return pingAll(ctx, l.tables) }

func pingAll(ctx context.Context, tables []Table) error {
	var errs []error
	for _, t := range tables {
		errs = append(errs, Ping(ctx, t))
	}
	return errors.Join(errs...)
}
