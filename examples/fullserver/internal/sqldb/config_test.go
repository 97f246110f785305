package sqldb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHosts(t *testing.T) {
	for s, want := range map[string]string{
		"localhost pgsql": "tcp localhost:5432", "inet:db:1 pgsql": "tcp db:1", "db:99 mysql": "tcp db:99", "localhost mysql": "unix " + mysqlSocket, "inet:localhost mysql": "unix " + mysqlSocket, "127.0.0.1 mysql": "tcp 127.0.0.1:3306",
		"unix:/run/x pgsql": "unix /run/x", "/run/y mysql": "unix /run/y", "[::1]:5 pgsql": "tcp [::1]:5", "[::1] pgsql": "tcp [::1]:5432", "postgresql://u:secret@h/d?x=y pgsql": "uri postgresql://u:secret@h/d?x=y",
		"inet:: pgsql": "!", "unix: pgsql": "!", "a:b pgsql": "!", "a:0 pgsql": "!", "a:1:2 mysql": "!", "postgresql://h/d mysql": "!",
	} {
		name, driver, _ := strings.Cut(s, " ")
		h, err := parseHost(name, driver)
		if want == "!" {
			require.Error(t, err, s)
			continue
		}
		require.NoError(t, err, s)
		require.Equal(t, want, h.network+" "+h.address, s)
		require.NotContains(t, h.name, "secret")
	}
}

func TestPairs(t *testing.T) {
	for s, want := range map[string]string{
		"host=localhost dbname=mails user=admin password=pass": "[[host localhost] [dbname mails] [user admin] [password pass]]", "a = 'b c' d=e\\ f g='it''": "!", `a='it\'s' b=`: "[[a it's] [b ]]", "": "[]", "x": "!", "=x": "!", "a='x": "!", "a=b\tc=d\n": "[[a b] [c d]]",
	} {
		got, err := parsePairs(s)
		if want == "!" {
			require.Error(t, err, s)
			continue
		}
		require.NoError(t, err, s)
		require.Equal(t, want, fmt.Sprint(got), s)
	}
}

// FuzzConnect: what says where a database is is understood or refused, and no error shows what may be a password.
func FuzzConnect(f *testing.F) {
	f.Add("host=a password='geheim x' port=1", "postgresql://u:geheim@h/d")
	f.Add(`a=\' geheim`, "unix:/x")
	f.Fuzz(func(t *testing.T, pairs, host string) {
		parsePairs(pairs)
		for _, driver := range []string{"pgsql", "mysql"} {
			if h, err := parseHost(host, driver); err == nil && h.network == "" {
				t.Fatal("no network")
			}
		}
	})
}

func TestSQLiteFloat(t *testing.T) {
	for v, want := range map[float64]string{1: "1.0", 0.1: "0.1", 1e20: "1.0e+20", 1.5e-7: "1.5e-07", 123456789.123456789: "123456789.123457", -0.5: "-0.5"} {
		require.Equal(t, want, sqliteFloat(v))
	}
}
