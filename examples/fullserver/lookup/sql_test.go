package lookup_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"database/sql"

	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/postmap"
	"github.com/buuta/mail/internal/peers"
)

// nasty are keys that somebody who doesn't like us would ask for.
func nasty() []string {
	keys := []string{"alice@example.com", "ALICE@Example.COM", "bob@example.com", "many@example.com", "null@example.com", "empty@example.com", "user@a.b.c.example.org", "user@example.org", "alice", "@example.com", "example.com", "user@", "@", "a@b@example.com",
		"o'brien@example.com", "o''brien@example.com", `o\'brien@example.com`, `back\slash@example.com`, `back\\slash@example.com`, `quo"te@example.com`, "per%cent@example.com", "per%s@example.com", "%u@example.com", "%%@example.com", "under_score@example.com", "underXscore@example.com", "_", "%",
		"' OR '1'='1", "' OR 1=1 -- ", "'; DROP TABLE aliases; --", `\'; DROP TABLE aliases; --`, `\' OR 1=1 -- `, `" OR ""="`, "') UNION SELECT password FROM secrets --", "' UNION SELECT 'x' -- ", "'||(SELECT 'alice@example.com')||'", "$1", "?", ":key", "@key", "`x`", "/* x */", "--", "#", "a/*!50000b*/", "\u02bc OR 1=1", "\uff07 OR \uff071\uff07=\uff071", "\u00bf\u005c' OR 1=1 -- ", "\x1a", "\x01'\x02", "'", "''", "'''", `\`, `\\`, `\\\`, `'\`, `\'`,
		"müller@example.com", "MÜLLER@example.com", "muller@example.com", "Ωmega@example.com", "日本@example.com", "😀@example.com", "é@example.com", "e\u0301@example.com",
		"sub@x.y.example.com", "sub@.example.com", "sub@x..example.com", "sub@example.com.", "sub@com", "trailing@example.com ", " leading@example.com", strings.Repeat("long", 500) + "@example.com", "number", "real", "none@example.com", "dup@example.com"}
	for i := range 60 {
		keys = append(keys, fmt.Sprintf("user%d@d%d.example.net", i, i%5))
	}
	return keys
}

// statements fill a database. %s is a quoted text.
func fill(t *testing.T, exec func(string), quote func(string) string, textType string) {
	t.Helper()
	exec("CREATE TABLE aliases (name " + textType + ", target " + textType + ", more " + textType + ", n INTEGER)")
	exec("CREATE TABLE secrets (password " + textType + ")")
	exec("INSERT INTO secrets VALUES ('hunter2')")
	n := 0
	add := func(name, target, more string) {
		n++
		exec(fmt.Sprintf("INSERT INTO aliases VALUES (%s, %s, %s, %d)", quote(name), target, more, n))
	}
	for _, k := range nasty() {
		switch {
		case strings.HasPrefix(k, "none"), strings.HasPrefix(k, "ALICE"), strings.HasPrefix(k, "null"), strings.HasPrefix(k, "empty"), strings.HasPrefix(k, "MÜ"), strings.ContainsAny(k, "\x1a"), strings.Contains(k, "UNION"), strings.Contains(k, "muller"), strings.HasPrefix(k, "underX"):
			continue // not in the table
		}
		if len(k) < 300 {
			add(strings.ToLower(k), quote("to-"+k), "NULL")
		}
	}
	add("many@example.com", quote("one@example.com"), quote("two"))
	add("many@example.com", quote("@nouser"), quote("nodomain@"))
	add("many@example.com", quote("a,b"), quote(""))
	add("null@example.com", "NULL", "NULL")
	add("empty@example.com", "''", "''")
}

// sqlTables are the queries that we and Postfix are compared by.
func sqlTables() map[string]string {
	return map[string]string{
		"plain":     "query = SELECT target FROM aliases WHERE name = '%s' ORDER BY n",
		"two":       "query = SELECT target, more FROM aliases WHERE name = '%s' ORDER BY n",
		"user":      "query = SELECT target FROM aliases WHERE name = '%u@example.com' ORDER BY n",
		"domain":    "query = SELECT target FROM aliases WHERE name = 'alice@%d' ORDER BY n",
		"upper":     "query = SELECT target FROM aliases WHERE name = '%S' AND '%U' <> 'bob' AND '%D' <> 'x' ORDER BY n",
		"labels":    "query = SELECT target FROM aliases WHERE name = '%u@%2.%1' ORDER BY n",
		"third":     "query = SELECT '%3' FROM aliases WHERE name = 'alice@example.com'",
		"percent":   "query = SELECT '100%%', target FROM aliases WHERE name LIKE '%s' AND n < 12 ORDER BY n\nresult_format = %%%s%%",
		"format":    "query = SELECT target, more FROM aliases WHERE name = '%s' ORDER BY n\nresult_format = smtp:[%s]",
		"valuepart": "query = SELECT target, more FROM aliases WHERE name = '%s' ORDER BY n\nresult_format = %u at %d",
		"valueuser": "query = SELECT target, more FROM aliases WHERE name = '%s' ORDER BY n\nresult_format = <%u>",
		"keypart":   "query = SELECT target FROM aliases WHERE name = '%s' ORDER BY n\nresult_format = %s %S %U %D",
		"keylabel":  "query = SELECT target FROM aliases WHERE name = '%s' ORDER BY n\nresult_format = %2-%1",
		"limit":     "query = SELECT target FROM aliases WHERE name = '%s' AND n < 10 ORDER BY n\nexpansion_limit = 2",
		"indomain":  "query = SELECT target FROM aliases WHERE name = '%s' ORDER BY n\ndomain = example.com, !example.org, inline:{{d1.example.net=x}}",
		"old":       "table = aliases\nselect_field = target\nwhere_field = name\nadditional_conditions = AND n < 30 ORDER BY n",
		"old2":      "table = aliases\n  \nselect_field = target,\n  more\nwhere_field = name\nadditional_conditions = ORDER BY n",
		"injection": "query = SELECT target FROM aliases WHERE name = '%s' OR name = '%u@example.org'   ORDER BY n",
		"nested":    "query = SELECT target FROM aliases WHERE name IN ('%s', '@%d', '%u') ORDER BY n\nresult_format = %s",
		"numbers":   "query = SELECT n FROM aliases WHERE name = '%s' ORDER BY n",
	}
}

func compareSQL(t *testing.T, p *postmap.Postfix, kind, where string, skip func(key string) bool, more map[string]string) {
	tables := sqlTables()
	for name, query := range more {
		tables[name] = query
	}
	pools := new(sqldb.Pools)
	defer pools.Close()
	var keys []string
	for _, k := range nasty() {
		if skip == nil || !skip(k) {
			keys = append(keys, k)
		}
	}
	for name, query := range tables {
		t.Run(name, func(t *testing.T) {
			spec := kind + ":" + p.Write(t, kind+name+".cf", where+query+"\n")
			compare(t, p, spec, keys, &lookup.Options{Databases: pools})
			compare(t, p, spec, keys, &lookup.Options{Databases: pools, NoFold: true}, "-f")
		})
	}
}

func TestSQLiteAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	p.Need(t, "sqlite")
	path := filepath.Join(p.Dir, "db.sqlite")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec("BEGIN")
	require.NoError(t, err)
	fill(t, func(q string) { _, err := db.Exec(q); require.NoError(t, err, q) }, func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }, "TEXT")
	_, err = db.Exec("CREATE TABLE numbers (name TEXT, r REAL, i INTEGER, b BLOB); INSERT INTO numbers VALUES ('real', 1.0, 1, x'6162'), ('real', 1e20, -5, 'x'), ('real', 0.1, 9223372036854775807, 3), ('real', 1e-7, 0, 1.5), ('real', 123456789.123456789, NULL, '')")
	require.NoError(t, err)
	_, err = db.Exec("COMMIT")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	compareSQL(t, p, "sqlite", "dbpath = "+path+"\n", nil, map[string]string{
		"real": "query = SELECT r, i, b FROM numbers WHERE name = '%s'",
		"glob": "query = SELECT target FROM aliases WHERE name GLOB '%s' ORDER BY n",
	})
}

func TestPostgresAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	p.Need(t, "pgsql")
	d := peers.Postgres(t)
	exec(t, sqldb.Config{Driver: "pgsql", Hosts: []string{d.Addr}, User: "test", Password: peers.Password, Database: d.Name}, func(exec func(string)) {
		fill(t, exec, func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }, "TEXT")
		exec("CREATE FUNCTION who(TEXT) RETURNS SETOF TEXT AS $$ SELECT target FROM aliases WHERE name = $1 ORDER BY n $$ LANGUAGE sql")
	})
	// Postfix 3.7 speaks LATIN1 with the server, so that it finds no name that isn't ASCII; 3.8 speaks UTF-8 as we do.
	skip := func(key string) bool {
		return strings.HasSuffix(key, `\`) || // no pattern for LIKE
			strings.ContainsFunc(key, func(r rune) bool { return r > 127 })
	}
	for name, host := range map[string]string{"inet": "inet:" + d.Addr, "plain": d.Addr} {
		t.Run(name, func(t *testing.T) {
			where := "hosts = " + host + "\nuser = test\npassword = " + peers.Password + "\ndbname = test\n"
			more := map[string]string{"function": "select_function = who", "call": "query = SELECT who('%s')", "bytea": `query = SELECT 'a'::bytea, true, n::float, now() > 'epoch' FROM aliases WHERE name = '%s'`}
			if name != "inet" {
				spec := "pgsql:" + p.Write(t, name+".cf", where+sqlTables()["plain"]+"\n")
				compare(t, p, spec, []string{"alice@example.com", "none@example.com", "o'brien@example.com"}, nil)
				return
			}
			compareSQL(t, p, "pgsql", where, skip, more)
		})
	}
	t.Run("uri", func(t *testing.T) {
		spec := "pgsql:" + p.Write(t, "uri.cf", "hosts = postgresql://test:"+peers.Password+"@"+d.Addr+"/test?sslmode=disable\n"+sqlTables()["plain"]+"\n")
		for key, want := range map[string]string{"müller@example.com": "to-müller@example.com", "日本@example.com": "to-日本@example.com", "MÜLLER@example.com": "to-müller@example.com", "e\u0301@example.com": "to-e\u0301@example.com"} {
			value, _, err := lookup.Query(context.Background(), spec, key, nil)
			require.NoError(t, err)
			require.Equal(t, want, value)
		}
	})
}

func TestMySQLAgainstPostmap(t *testing.T) {
	t.Parallel()
	p := postmap.New(t)
	p.Need(t, "mysql")
	d := peers.MariaDB(t)
	config := sqldb.Config{Driver: "mysql", Hosts: []string{"unix:" + d.Socket}, User: "test", Password: peers.Password, Database: d.Name}
	exec(t, config, func(exec func(string)) {
		fill(t, exec, func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }, "VARCHAR(400) COLLATE utf8mb4_bin")
		exec("CREATE PROCEDURE who(IN param VARCHAR(4000)) READS SQL DATA BEGIN SELECT target FROM aliases WHERE name = param ORDER BY n; END")
		exec("CREATE PROCEDURE perhaps(IN param VARCHAR(4000)) READS SQL DATA BEGIN IF param LIKE 'alice@%' THEN SELECT target FROM aliases WHERE name = param; END IF; END")
	})
	where := "hosts = unix:" + d.Socket + "\nuser = test\npassword = " + peers.Password + "\ndbname = test\n"
	compareSQL(t, p, "mysql", where, nil, map[string]string{
		"call":    "query = CALL who('%s')",
		"perhaps": "query = CALL perhaps('%s')\nrequire_result_set = no",
		"types":   "query = SELECT n * 1.50, n > 3, n, CAST('2026-01-02' AS DATE), 18446744073709551615 FROM aliases WHERE name = '%s'",
		"double":  `query = SELECT "%s", target FROM aliases WHERE name = '%s' ORDER BY n`,
		"inet":    "hosts = inet:" + d.Addr + "\nquery = SELECT target FROM aliases WHERE name = '%s' ORDER BY n",
	})
	spec := "mysql:" + p.Write(t, "set.cf", where+"query = CALL perhaps('%s')\n")
	_, _, err := lookup.Query(context.Background(), spec, "bob@example.com", nil)
	require.ErrorContains(t, err, "no result set")
	_, _, failed := p.Query(t, spec, "bob@example.com")
	require.True(t, failed)

	// Without backslashes that quote, quotes are doubled.
	exec(t, config, func(exec func(string)) { exec("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES'") })
	spec = "mysql:" + p.Write(t, "mode.cf", where+sqlTables()["plain"]+"\n")
	for _, key := range []string{`back\slash@example.com`, `o'brien@example.com`, `\' OR 1=1 -- `, `\'; DROP TABLE aliases; --`} {
		value, _, err := lookup.Query(context.Background(), spec, key, &lookup.Options{NoFold: true})
		require.NoError(t, err)
		require.Contains(t, []string{"", "to-" + key}, value)
	}
}

// exec runs statements.
func exec(t *testing.T, c sqldb.Config, do func(func(string))) {
	t.Helper()
	pools := new(sqldb.Pools)
	defer pools.Close()
	pool, err := pools.Get(c)
	require.NoError(t, err)
	do(func(text string) {
		t.Helper()
		_, err := pool.Query(context.Background(), func(sqldb.Quote) (string, error) { return text, nil })
		require.NoError(t, err, text)
	})
}
