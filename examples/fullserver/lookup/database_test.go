package lookup_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/lookup"
)

// sqliteFile makes a database with one table.
func sqliteFile(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "db")
	db, err := sql.Open("sqlite", path)
	require.NoError(tb, err)
	_, err = db.Exec("CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT); INSERT INTO t VALUES ('a', '1'), ('b', '2')")
	require.NoError(tb, err)
	require.NoError(tb, db.Close())
	return path
}

// What is wrong with a table's file is said by line, with how to mend it.
func TestDatabaseFilesRefused(t *testing.T) {
	write := postmapDir(t)
	db := "dbpath = " + sqliteFile(t) + "\n"
	for i, tt := range []struct{ kind, text, want string }{
		{"sqlite", "query = SELECT v FROM t WHERE k = '%s'\n", "no database file is named"},
		{"sqlite", "dbpath = /nonexistent/x\nquery = SELECT '%s'\n", ":1: stat /nonexistent/x: no such file"},
		{"sqlite", db, "there is no query; write one"},
		{"sqlite", db + "query = SELECT v FROM t\n", ":2: query has nothing of the key in it"},
		{"sqlite", db + "query = SELECT '%q'\n", ":2: query: %q is not known"},
		{"sqlite", db + "query = SELECT '%s'\nresult_format = 50%\n", ":3: result_format: ends with a lone %"},
		{"sqlite", db + "query = SELECT '%s'\nexpansion_limit = many\n", ":3: expansion_limit = \"many\""},
		{"sqlite", db + "query = SELECT '%s'\ndomain = /nonexistent/d\n", ":3: domain: open /nonexistent/d"},
		{"sqlite", "dbpath /x\n", `:1: expected name = value at "dbpath"`},
		{"pgsql", "query = SELECT '%s'\n", "there is no dbname"},
		{"pgsql", "dbname = x\nhosts = a:b\nquery = SELECT '%s'\n", ":2: hosts: \"a:b\": \"b\" is no port"},
		{"pgsql", "dbname = x\nencoding = LATIN1\nquery = SELECT '%s'\n", ":2: encoding = LATIN1"},
		{"mysql", "dbname = x\noption_file = /etc/my.cnf\nquery = SELECT '%s'\n", ":2: option_file is not supported: write hosts, user"},
		{"mysql", "dbname = x\nquery = SELECT '%s'\ntls_cert_file = /nonexistent/c\n", "open /nonexistent/c"},
		{"mysql", "dbname = x\nquery = SELECT '%s'\nrequire_result_set = maybe\n", ":3: require_result_set = \"maybe\": write yes or no"},
	} {
		_, err := lookup.Open(context.Background(), tt.kind+":"+write(fmt.Sprint(i), tt.text), nil)
		require.ErrorContains(t, err, tt.want, "%v", tt)
	}
	_, err := lookup.Open(context.Background(), "mysql:virtual", nil)
	require.ErrorContains(t, err, "expected mysql:/path of a file")
	problems, err := lookup.Check(context.Background(), "sqlite:"+write("x", db+"query = SELECT v FROM t WHERE k = '%s'\nquerry = x\n"), nil)
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.ErrorContains(t, problems[0], "did you mean query?")
}

// A database that can't be asked is an error, never "not found"; check says so.
func TestDatabaseDown(t *testing.T) {
	write := postmapDir(t)
	refused := errors.New("refused")
	o := &lookup.Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, refused }}
	for _, kind := range []string{"pgsql", "mysql"} {
		spec := kind + ":" + write(kind, "hosts = 127.0.0.1:1 127.0.0.1:2\nuser = u\npassword = geheim\ndbname = d\nquery = SELECT '%s'\n")
		table, err := lookup.Open(context.Background(), spec, o)
		require.NoError(t, err, "nothing is connected at the start")
		for range 3 {
			_, found, err := table.Find(context.Background(), "k")
			require.ErrorContains(t, err, "127.0.0.1:1: ")
			require.ErrorContains(t, err, "127.0.0.1:2: ")
			require.ErrorContains(t, err, "refused")
			require.NotContains(t, err.Error(), "geheim")
			require.False(t, found)
		}
		problems, err := lookup.Check(context.Background(), "proxy:"+spec, o)
		require.NoError(t, err)
		require.Len(t, problems, 1)
		require.ErrorContains(t, problems[0], spec+": 127.0.0.1:")
		_, found, err := lookup.Query(context.Background(), "unionmap:{static:x, "+spec+"}", "k", o)
		require.Error(t, err)
		require.False(t, found)
		require.NoError(t, lookup.Close(table))
	}
}

// A file of parameters is read again when it has changed; tables of one database share its connections.
func TestDatabaseShared(t *testing.T) {
	write := postmapDir(t)
	db := sqliteFile(t)
	pools := new(sqldb.Pools)
	defer pools.Close()
	o := &lookup.Options{Databases: pools}
	l, err := lookup.OpenList(context.Background(), "proxy:sqlite:"+write("a", "dbpath = "+db+"\nquery = SELECT v FROM t WHERE k = '%s' AND v = '1'\n")+", sqlite:"+write("b", "dbpath = "+db+"\nquery = SELECT v FROM t WHERE k = '%s' AND v = '2'\n"), o)
	require.NoError(t, err)
	for key, want := range map[string]string{"a": "1", "B": "2", "c": ""} {
		value, found, err := l.Find(context.Background(), key)
		require.NoError(t, err)
		require.Equal(t, want, value)
		require.Equal(t, want != "", found)
	}
	require.NoError(t, l.Ping(context.Background()))
	require.NoError(t, l.Close())
	p, err := pools.Get(sqldb.Config{Driver: "sqlite", Database: db})
	require.NoError(t, err)
	require.NoError(t, p.Ping(context.Background()), "they are not the tables' to close")
}

func BenchmarkSQLiteFind(b *testing.B) {
	spec := "sqlite:" + postmapDir(b)("t", "dbpath = "+sqliteFile(b)+"\nquery = SELECT v FROM t WHERE k = '%s'\n")
	t, err := lookup.Open(context.Background(), spec, nil)
	require.NoError(b, err)
	defer lookup.Close(t)
	b.ReportAllocs()
	for b.Loop() {
		if _, found, err := t.Find(context.Background(), "a"); !found || err != nil {
			b.Fatal(found, err)
		}
	}
}
