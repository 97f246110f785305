package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
)

func checkSQLite(path string) error {
	if path == "" {
		return errors.New("no database file is named")
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is not a file", path)
	}
	return err
}

// sqliteConn is an open file. It is only read; a writer's lock is waited for.
type sqliteConn struct {
	raw  driver.Conn
	path string
	info os.FileInfo
}

func (p *Pool) connectSQLite(_ context.Context, h *host) (conn, error) {
	if err := checkSQLite(h.address); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(h.address)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "cache_size(-512)", "query_only(1)", "trusted_schema(0)"}}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	c, err := new(sqlite.Driver).Open(u.String())
	if err != nil {
		return nil, err
	}
	return &sqliteConn{c, path, info}, nil
}

// Fresh: a database that was replaced by another file is opened anew.
func (c *sqliteConn) Fresh() bool {
	now, err := os.Stat(c.path)
	return err == nil && os.SameFile(now, c.info)
}

func (c *sqliteConn) Close() { _ = c.raw.Close() }

// quote is what %q of sqlite3_mprintf does.
func (c *sqliteConn) quote(s string) (string, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return "", errNUL
	}
	return strings.ReplaceAll(s, "'", "''"), nil
}

func (c *sqliteConn) query(ctx context.Context, text string, l *Limits) (*Result, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, &QueryError{errNUL}
	}
	rows, err := c.raw.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return nil, sqliteError(err)
	}
	r := &collector{l: l}
	r.Columns = rows.Columns()
	dest := make([]driver.Value, len(r.Columns))
	for {
		err := rows.Next(dest)
		if err == io.EOF {
			break
		}
		if err == nil {
			var row []Value
			if row, err = sqliteRow(dest, r.Columns); err == nil {
				err = r.add(row)
			}
		}
		if err != nil {
			return nil, errors.Join(sqliteError(err), rows.Close())
		}
	}
	if err := rows.Close(); err != nil {
		return nil, sqliteError(err)
	}
	return &r.Result, nil
}

// sqliteError: what the library says of a query leaves the connection as it was, unless the file itself can't be read.
func sqliteError(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		const notADatabase, corrupt, ioError, cantOpen = 26, 11, 10, 14
		switch e.Code() & 0xff {
		case notADatabase, corrupt, ioError, cantOpen:
			return err
		}
		return &QueryError{err}
	}
	return err
}

// sqliteRow is a row as sqlite3_column_text gives it.
func sqliteRow(dest []driver.Value, columns []string) ([]Value, error) {
	row := make([]Value, len(dest))
	for i, v := range dest {
		switch v := v.(type) {
		case nil:
			row[i].Null = true
		case string:
			row[i].Text = v
		case []byte:
			row[i].Text = string(v)
		case int64:
			row[i].Text = strconv.FormatInt(v, 10)
		case bool:
			row[i].Text = map[bool]string{false: "0", true: "1"}[v]
		case float64:
			row[i].Text = sqliteFloat(v)
		case time.Time:
			return nil, &QueryError{fmt.Errorf("column %s is a date, which can be written in many ways: write CAST(%s AS TEXT)", columns[i], columns[i])}
		default:
			return nil, &QueryError{fmt.Errorf("column %s has the type %T", columns[i], v)}
		}
	}
	return row, nil
}

// sqliteFloat is "%!.15g" of SQLite's printf.
func sqliteFloat(f float64) string {
	if math.IsInf(f, 0) {
		return strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+")
	}
	mantissa, exp, has := strings.Cut(strconv.FormatFloat(f, 'g', 15, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if has {
		return mantissa + "e" + exp
	}
	return mantissa
}
