package sqldb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

type postgresConn struct{ raw *pgconn.PgConn }

// postgresConfig is the connection string for a host. Where main.cf says nothing libpq's environment and ~/.pgpass count, as there.
func (p *Pool) postgresConfig(h *host) (*pgconn.Config, error) {
	text := h.address
	if h.network != "uri" {
		var b strings.Builder
		add := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&b, "%s='%s' ", name, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value))
			}
		}
		b.WriteString(p.config.Options + " ")
		if h.network == "unix" {
			add("host", h.address)
		} else {
			add("host", h.host)
			add("port", h.port)
		}
		add("user", p.config.User)
		add("password", p.config.Password)
		add("dbname", p.config.Database)
		text = b.String()
	}
	c, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, errors.New("the connection parameters of " + h.name + " can't be understood") // pgconn's own words may show them
	}
	if h.network == "uri" {
		c.User, c.Password, c.Database = or(p.config.User, c.User), or(p.config.Password, c.Password), or(p.config.Database, c.Database)
	}
	if c.RuntimeParams == nil {
		c.RuntimeParams = map[string]string{}
	}
	c.RuntimeParams["standard_conforming_strings"] = "on" // what quote relies on
	c.RuntimeParams["client_encoding"] = "UTF8"
	c.ConnectTimeout = p.limits.Connect
	if p.dial != nil {
		c.DialFunc = pgconn.DialFunc(p.dial)
	}
	return c, nil
}

func (p *Pool) checkPostgres() error {
	hosts, err := parseHosts(&p.config)
	for i := range hosts {
		if _, err := p.postgresConfig(&hosts[i]); err != nil {
			return err
		}
	}
	return err
}

func (p *Pool) connectPostgres(ctx context.Context, h *host) (conn, error) {
	c, err := p.postgresConfig(h)
	if err != nil {
		return nil, err
	}
	pg, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, postgresConnectError(err)
	}
	return &postgresConn{pg}, nil
}

// postgresConnectError is the server's or the system's word, without the connection's parameters.
func postgresConnectError(err error) error {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return fmt.Errorf("%s: %s (%s)", server.Severity, server.Message, server.Code)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return err
}

// Fresh: what has happened to the connection since is seen by the query, which is tried again on a new one.
func (c *postgresConn) Fresh() bool { return !c.raw.IsClosed() }

func (c *postgresConn) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.raw.Close(ctx)
}

func (c *postgresConn) quote(s string) (string, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return "", errNUL
	}
	return c.raw.EscapeString(s)
}

// query uses the simple protocol, as libpq's PQexec does: values come as text. Of several statements the last one's rows count.
func (c *postgresConn) query(ctx context.Context, text string, l *Limits) (*Result, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, &QueryError{errNUL}
	}
	all := c.raw.Exec(ctx, text)
	r := &collector{l: l}
	for all.NextResult() {
		rows := all.ResultReader()
		r = &collector{l: l}
		for _, f := range rows.FieldDescriptions() {
			r.Columns = append(r.Columns, f.Name)
		}
		for rows.NextRow() {
			values := rows.Values()
			row := make([]Value, len(values))
			for i, v := range values {
				row[i] = Value{Text: string(v), Null: v == nil}
			}
			if err := r.add(row); err != nil {
				return nil, err // and the connection is given up with the rest
			}
		}
		if _, err := rows.Close(); err != nil {
			return nil, errors.Join(c.error(err), all.Close())
		}
	}
	if err := all.Close(); err != nil {
		return nil, c.error(err)
	}
	return &r.Result, nil
}

// error tells what the server says of a query from a connection that is gone. Of the latter class are 57P01 and its like: it shuts down.
func (c *postgresConn) error(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && !c.raw.IsClosed() && !strings.HasPrefix(e.Code, "57P") && !strings.HasPrefix(e.Code, "08") {
		return &QueryError{err}
	}
	return err
}
