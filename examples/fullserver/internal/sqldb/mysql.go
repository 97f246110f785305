package sqldb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
)

type mysqlConn struct {
	raw         driver.Conn
	noBackslash bool // sql_mode has NO_BACKSLASH_ESCAPES
}

func (p *Pool) mysqlConfig(h *host) (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = h.network, h.address, p.config.User, p.config.Password, p.config.Database
	c.Collation = "utf8mb4_general_ci"
	c.Timeout = p.limits.Connect
	c.Logger = log.New(io.Discard, "", 0) // errors say it
	if p.dial != nil {
		c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			return p.dial(ctx, network, address)
		}
	}
	t := &p.config.TLS
	if *t == (TLS{}) {
		return c, nil
	}
	c.TLS = &tls.Config{ServerName: h.host, InsecureSkipVerify: !t.Verify}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, or(t.KeyFile, t.CertFile))
		if err != nil {
			return nil, err
		}
		c.TLS.Certificates = []tls.Certificate{pair}
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, err
		}
		c.TLS.RootCAs = x509.NewCertPool()
		if !c.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New(t.CAFile + ": has no certificate in PEM")
		}
	}
	return c, nil
}

func (p *Pool) checkMySQL() error {
	_, err := p.mysqlConfig(&host{network: "tcp", address: "localhost:3306"})
	return err
}

func (p *Pool) connectMySQL(ctx context.Context, h *host) (conn, error) {
	config, err := p.mysqlConfig(h)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &mysqlConn{raw: raw}
	limits := p.limits
	mode, err := c.query(ctx, "SELECT @@SESSION.sql_mode", &limits)
	if err != nil || len(mode.Rows) != 1 || len(mode.Rows[0]) != 1 {
		c.Close()
		return nil, fmt.Errorf("sql_mode is not known, so nothing can be quoted safely: %w", err)
	}
	c.noBackslash = strings.Contains(mode.Rows[0][0].Text, "NO_BACKSLASH_ESCAPES")
	return c, nil
}

func (c *mysqlConn) Fresh() bool {
	v, ok := c.raw.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *mysqlConn) Close() { _ = c.raw.Close() }

// mysqlEscapes is what mysql_real_escape_string escapes.
var mysqlEscapes = strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, `\`, `\\`, `'`, `\'`, `"`, `\"`, "\x1a", `\Z`)

func (c *mysqlConn) quote(s string) (string, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return "", errNUL
	}
	if c.noBackslash {
		return strings.ReplaceAll(s, "'", "''"), nil
	}
	return mysqlEscapes.Replace(s), nil
}

// query asks with the text protocol. More than one result set is an error, as in mysql_table(5).
func (c *mysqlConn) query(ctx context.Context, text string, l *Limits) (*Result, error) {
	rows, err := c.raw.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return nil, mysqlError(err)
	}
	r := &collector{l: l}
	for {
		if columns := rows.Columns(); len(columns) > 0 {
			if r.Columns != nil {
				return nil, errors.Join(&QueryError{errors.New("there is more than one result set")}, rows.Close())
			}
			r.Columns = columns
		}
		if err := readMySQL(rows, r); err != nil {
			return nil, errors.Join(mysqlError(err), rows.Close())
		}
		next, ok := rows.(driver.RowsNextResultSet)
		if !ok || !next.HasNextResultSet() {
			break
		}
		if err := next.NextResultSet(); err == io.EOF {
			break
		} else if err != nil {
			return nil, errors.Join(mysqlError(err), rows.Close())
		}
	}
	if err := rows.Close(); err != nil {
		return nil, mysqlError(err)
	}
	return &r.Result, nil
}

func readMySQL(rows driver.Rows, r *collector) error {
	n := len(rows.Columns())
	if n == 0 {
		return nil
	}
	dest := make([]driver.Value, n)
	for {
		if err := rows.Next(dest); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		row := make([]Value, n)
		for i, v := range dest {
			switch v := v.(type) {
			case nil:
				row[i].Null = true
			case []byte:
				row[i].Text = string(v)
			case float32, float64:
				column := rows.Columns()[i]
				return &QueryError{fmt.Errorf("column %s is a floating point number, which can be written in many ways: write CAST(%s AS CHAR)", column, column)}
			default: // whole numbers, without ZEROFILL's zeros
				row[i].Text = fmt.Sprint(v)
			}
		}
		if err := r.add(row); err != nil {
			return err
		}
	}
}

// mysqlError tells what the server says of a query from a connection that is gone.
func mysqlError(err error) error {
	var e *mysql.MySQLError
	const shutdown, killed, idleTooLong, readOnly = 1053, 1317, 4031, 1290
	if errors.As(err, &e) && e.Number != shutdown && e.Number != killed && e.Number != idleTooLong && e.Number != readOnly {
		return &QueryError{err}
	}
	return err
}
