package lookup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/dbtable"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// openSQL opens sqlite:/file, pgsql:/file and mysql:/file (sqlite_table(5), pgsql_table(5), mysql_table(5)). The file says where the database is and what
// to ask. Nothing is remembered of answers: the database is asked each time, as in Postfix.
func openSQL(kind string) Opener {
	return func(ctx context.Context, name string, o *Options) (Table, error) {
		return openDatabase(ctx, kind, name, o, func(s *sources, p *dbtable.Params, common *dbCommon) (Table, error) {
			t := &sqlTable{dbCommon: common}
			if err := t.configure(kind, p, o); err != nil {
				return nil, err
			}
			c, err := sqlConfig(kind, p)
			if err != nil {
				return nil, err
			}
			if t.pool, err = s.databases.Get(*c); err != nil {
				return nil, p.Errorf(map[bool]string{true: "dbpath", false: "hosts"}[kind == "sqlite"], "%v", err)
			}
			return t, nil
		})
	}
}

// sqlTable is a query to a database.
type sqlTable struct {
	*dbCommon
	pool       *sqldb.Pool
	query      dbtable.Template
	requireSet bool // an answer without a result set is an error
	first      bool // the first column counts only, as with SQLite
}

// configure reads what to ask.
func (t *sqlTable) configure(kind string, p *dbtable.Params, _ *Options) (err error) {
	text, name := p.String("query", ""), "query"
	function := ""
	if kind == "pgsql" || kind == "mysql" { // the latter took it before Postfix 2.2
		function = p.String("select_function", "")
	}
	field, table, where, more := p.String("select_field", ""), p.String("table", ""), p.String("where_field", ""), p.String("additional_conditions", "")
	switch {
	case text != "":
	case function != "" && kind == "pgsql":
		text, name = "SELECT "+function+"('%s')", "select_function"
	case field != "" && table != "" && where != "":
		text, name = "SELECT "+field+" FROM "+table+" WHERE "+where+" = '%s' "+more, "select_field"
	default:
		return p.Errorf("query", "there is no query; write one, such as query = SELECT value FROM table WHERE name = '%%s'")
	}
	if t.query, err = t.templates.AddQuery(text); err != nil {
		return p.Errorf(name, "%s: %v", name, err)
	}
	if !t.query.Dynamic() {
		return p.Errorf(name, "%s has nothing of the key in it and would answer the same to all: write '%%s' where the key belongs", name)
	}
	t.requireSet, t.first = true, kind == "sqlite"
	if kind == "mysql" {
		t.requireSet, err = p.Bool("require_result_set", true)
	}
	return err
}

// sqlConfig reads where the database is.
func sqlConfig(kind string, p *dbtable.Params) (*sqldb.Config, error) {
	c := &sqldb.Config{Driver: kind}
	if kind == "sqlite" {
		c.Database = p.String("dbpath", "")
		return c, nil
	}
	c.Hosts, c.User, c.Password, c.Database = p.List("hosts", ""), p.String("user", ""), p.String("password", ""), p.String("dbname", "")
	uri := func(h string) bool { return strings.HasPrefix(h, "postgres") && strings.Contains(h, "://") }
	if c.Database == "" && !(len(c.Hosts) > 0 && uri(c.Hosts[0])) {
		return nil, p.Errorf("dbname", "there is no dbname")
	}
	if kind == "pgsql" {
		if e := p.String("encoding", "UTF8"); !strings.EqualFold(e, "UTF8") && !strings.EqualFold(e, "UTF-8") {
			return nil, p.Errorf("encoding", "encoding = %s: keys and values are UTF8", e)
		}
		return c, nil
	}
	if e := p.String("charset", "utf8mb4"); !strings.EqualFold(e, "utf8mb4") {
		return nil, p.Errorf("charset", "charset = %s: keys and values are utf8mb4", e)
	}
	for _, n := range []string{"option_file", "tls_CApath", "tls_ciphers"} {
		if p.String(n, "") != "" {
			return nil, p.Errorf(n, "%s is not supported: write hosts, user, password, tls_CAfile, tls_cert_file and tls_key_file here", n)
		}
	}
	p.Given("option_group") // my.cnf isn't read
	c.TLS = sqldb.TLS{CertFile: p.String("tls_cert_file", ""), KeyFile: p.String("tls_key_file", ""), CAFile: p.String("tls_CAfile", "")}
	var err error
	c.TLS.Verify, err = p.Bool("tls_verify_cert", false)
	return c, err
}

var errNoResultSet = errors.New("the query gives no result set; with require_result_set = no that is not found")

// Find implements Table.
func (t *sqlTable) Find(ctx context.Context, key string) (string, bool, error) {
	key, ok, err := t.wanted(ctx, key)
	if !ok || err != nil {
		return "", false, err
	}
	r, err := t.pool.Query(ctx, func(quote sqldb.Quote) (string, error) {
		text, _, err := t.templates.Expand(&t.query, key, quote)
		return text, err
	})
	if err != nil {
		return "", false, err
	}
	if r.Columns == nil && t.requireSet {
		return "", false, errNoResultSet
	}
	var out dbtable.Results
	for _, row := range r.Rows {
		if t.first {
			row = row[:1]
		}
		for _, v := range row {
			if text, ok := t.templates.Format(v.Text, key); ok && !v.Null {
				if err := out.Add(text, t.limit); err != nil {
					return "", false, fmt.Errorf("%w: %s", err, source.Quote(key))
				}
			}
		}
	}
	value, found := out.Value()
	return value, found, nil
}

// Ping asks whether the database answers.
func (t *sqlTable) Ping(ctx context.Context) error { return t.pool.Ping(ctx) }
