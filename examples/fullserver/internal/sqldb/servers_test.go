package sqldb_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/internal/peers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// texts are what a key may be, and what one should not be able to do.
var texts = []string{"plain", "it's", `back\slash`, `\'`, `\\'`, `"`, "%_", "é日😀", "", " ", "\n", "\r", "\x1a", "\x01", "'; DROP TABLE t; --", `\'; DROP TABLE t; --`, "$1 ? :x @y", "ʼ＇", "\u00a5'", "a\tb", strings.Repeat("'\\", 500)}

// echoes asks for texts and gets them back: nothing is left out, nothing has a meaning.
func echoes(t *testing.T, p *sqldb.Pool) {
	t.Helper()
	for _, text := range texts {
		r, err := p.Query(context.Background(), func(quote sqldb.Quote) (string, error) {
			q, err := quote(text)
			return "SELECT '" + q + "' AS one, NULL, 2", err
		})
		require.NoError(t, err, text)
		require.Equal(t, "one", r.Columns[0])
		require.Equal(t, [][]sqldb.Value{{{Text: text}, {Null: true}, {Text: "2"}}}, r.Rows, text)
	}
	_, err := p.Query(context.Background(), func(quote sqldb.Quote) (string, error) { return quote("a\x00b") })
	require.ErrorContains(t, err, "NUL")
}

// limited asks for more than may be.
func limited(t *testing.T, c sqldb.Config, rows, long string) {
	t.Helper()
	small := &sqldb.Pools{Limits: sqldb.Limits{Rows: 10, Bytes: 10_000}}
	defer small.Close()
	p, err := small.Get(c)
	require.NoError(t, err)
	for _, text := range []string{rows, long} {
		_, err = p.Query(context.Background(), func(sqldb.Quote) (string, error) { return text, nil })
		require.ErrorIs(t, err, sqldb.ErrTooMuch)
		require.NoError(t, p.Ping(context.Background()), "the next one gets an answer")
	}
}

func wrong(t *testing.T, p *sqldb.Pool) {
	t.Helper()
	_, err := p.Query(context.Background(), func(sqldb.Quote) (string, error) { return "SELECT nosuch FROM nowhere", nil })
	var q *sqldb.QueryError
	require.ErrorAs(t, err, &q)
	require.NoError(t, p.Ping(context.Background()))
}

func TestSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c%d#e.db")
	create(t, path, "one")
	pools := new(sqldb.Pools)
	defer pools.Close()
	c := sqldb.Config{Driver: "sqlite", Database: path}
	p, err := pools.Get(c)
	require.NoError(t, err)
	again, err := pools.Get(c)
	require.NoError(t, err)
	require.Same(t, p, again)
	echoes(t, p)
	wrong(t, p)
	limited(t, c, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 1000) SELECT i FROM n", "SELECT hex(zeroblob(100000))")
	value := func() string {
		r, err := p.Query(context.Background(), func(sqldb.Quote) (string, error) { return "SELECT v FROM t", nil })
		require.NoError(t, err)
		return r.Rows[0][0].Text
	}
	require.Equal(t, "one", value())
	other := path + ".new"
	create(t, other, "two")
	require.NoError(t, os.Rename(other, path))
	require.Equal(t, "two", value(), "a database that is put in the place of another is opened anew")
	_, err = p.Query(context.Background(), func(sqldb.Quote) (string, error) { return "INSERT INTO t VALUES ('x', '2026-01-01')", nil })
	require.ErrorContains(t, err, "readonly")
	_, err = p.Query(context.Background(), func(sqldb.Quote) (string, error) { return "SELECT d FROM t", nil })
	require.ErrorContains(t, err, "CAST(d AS TEXT)")
	require.NoError(t, os.Remove(path))
	require.Error(t, p.Ping(context.Background()), "a file that is gone is no empty one")
	_, err = pools.Get(sqldb.Config{Driver: "sqlite", Database: path + "x"})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = pools.Get(sqldb.Config{Driver: "oracle"})
	require.ErrorContains(t, err, "known are mysql, pgsql, sqlite")
}

func create(t *testing.T, path, value string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&pathEscaper{path}).String())
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("CREATE TABLE t (v TEXT, d DATE); INSERT INTO t VALUES ('" + value + "', '2026-01-02')")
	require.NoError(t, err)
}

type pathEscaper struct{ path string }

func (p *pathEscaper) String() string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(p.path)
}

func TestPostgres(t *testing.T) {
	d := peers.Postgres(t)
	pools := new(sqldb.Pools)
	defer pools.Close()
	c := sqldb.Config{Driver: "pgsql", Hosts: []string{"inet:" + d.Addr}, User: "test", Password: peers.Password, Database: d.Name}
	p, err := pools.Get(c)
	require.NoError(t, err)
	echoes(t, p)
	wrong(t, p)
	limited(t, c, "SELECT generate_series(1, 1000)", "SELECT repeat('x', 100000)")
	// A connection that the server has ended is replaced.
	admin, err := pools.Get(sqldb.Config{Driver: "pgsql", Hosts: []string{"postgresql://test:" + peers.Password + "@" + d.Addr + "/test"}})
	require.NoError(t, err)
	_, err = admin.Query(context.Background(), func(sqldb.Quote) (string, error) {
		return "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'", nil
	})
	require.NoError(t, err)
	require.NoError(t, p.Ping(context.Background()))
	c.Password = "geheim"
	p, err = pools.Get(c)
	require.NoError(t, err)
	err = p.Ping(context.Background())
	require.ErrorContains(t, err, "password authentication failed")
	require.NotContains(t, err.Error(), "geheim")
	d.Stop()
	require.Error(t, admin.Ping(context.Background()))
}

func TestMySQL(t *testing.T) {
	d := peers.MariaDB(t)
	pools := new(sqldb.Pools)
	defer pools.Close()
	c := sqldb.Config{Driver: "mysql", Hosts: []string{"inet:" + d.Addr, "unix:" + d.Socket}, User: "test", Password: peers.Password, Database: d.Name}
	p, err := pools.Get(c)
	require.NoError(t, err)
	echoes(t, p)
	wrong(t, p)
	limited(t, c, "SELECT seq FROM seq_1_to_1000", "SELECT repeat('x', 100000)")
	_, err = p.Query(context.Background(), func(sqldb.Quote) (string, error) { return "SELECT 1e0", nil })
	require.ErrorContains(t, err, "AS CHAR)")
	_, err = p.Query(context.Background(), func(sqldb.Quote) (string, error) { return "SELECT 1; SELECT 2", nil })
	require.Error(t, err, "one query is one")
	c.Password = "geheim"
	p, err = pools.Get(c)
	require.NoError(t, err)
	err = p.Ping(context.Background())
	require.ErrorContains(t, err, "Access denied")
	require.NotContains(t, err.Error(), "geheim")
}

// FuzzSQLiteQuote: whatever a text is, it comes back as it went in.
func FuzzSQLiteQuote(f *testing.F) {
	path := filepath.Join(f.TempDir(), "db")
	require.NoError(f, os.WriteFile(path, nil, 0o600))
	pools := new(sqldb.Pools)
	f.Cleanup(func() { pools.Close() })
	p, err := pools.Get(sqldb.Config{Driver: "sqlite", Database: path})
	require.NoError(f, err)
	for _, s := range texts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := p.Query(context.Background(), func(quote sqldb.Quote) (string, error) {
			q, err := quote(s)
			return "SELECT '" + q + "'", err
		})
		switch {
		case strings.Contains(s, "\x00"):
			require.Error(t, err)
		case utf8.ValidString(s):
			require.NoError(t, err)
			require.Equal(t, s, r.Rows[0][0].Text)
		}
	})
}
