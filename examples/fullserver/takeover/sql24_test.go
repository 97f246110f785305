package takeover

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
)

// A provider's two machines, and two tables of passwords.
func TestProvider24(t *testing.T) {
	tr := Translate(fromCorpus(t, "2.4/isp"), "isp.example")
	require.Empty(t, blocked(tr))
	require.Equal(t, "{ passwd-file:/etc/dovecot/denied deny=yes }, { sql:$config_directory/dovecot-sql.conf.ext result_failure=continue }, sql:$config_directory/dovecot-sql-2.conf.ext", tr.value("passdb"))
	require.Equal(t, "sql:$config_directory/dovecot-sql.conf.ext", tr.value("userdb"))
	const connect = "driver = pgsql\nconnect = host=db1.isp.example host=db2.isp.example dbname=mail password='5ec ret\\'' sslmode=verify-full user=dovecot\n"
	require.Equal(t, connect+`password_query = SELECT user_email AS user, hash AS password FROM program_passwords WHERE user_email = '%u' AND service = '%s'
user_query = SELECT home, quota || 'M' AS quota_storage_size FROM users WHERE email = '%u'
iterate_query = SELECT email AS user FROM users WHERE active
`, tr.Made["dovecot-sql.conf.ext"])
	require.Equal(t, connect+`default_pass_scheme = SHA512-CRYPT
password_query = SELECT email AS user, password, NULLIF(networks, '') AS allow_nets FROM users WHERE email = '%u' AND active
`, tr.Made["dovecot-sql-2.conf.ext"])
	c, err := sqldb.ParseConnect("pgsql", `host=db1.isp.example host=db2.isp.example dbname=mail password='5ec ret\'' sslmode=verify-full user=dovecot`)
	require.NoError(t, err)
	require.Equal(t, "5ec ret'", c.Password)
	require.Len(t, c.Hosts, 2)
	for _, want := range []string{"quota_rule = *:storage=5G\n", "imaps_listen = :993\n", "pop3s_listen = :995\n", "pop3_uidl_format = %08Xu%08Xv\n", "zlib_save = zstd\n", "autoexpunge = Junk 30d, Trash 14d\n",
		"tls_server_sni_maps = texthash:$config_directory/sni\n", "mail_location = maildir:/srv/vmail/%d/%n/Maildir\n"} {
		require.Contains(t, params(tr), want)
	}
	require.NotContains(t, params(tr), "pop3_listen =")
	require.Equal(t, []string{"12340"}, tr.Policies)
	for _, x := range tr.Findings {
		require.NotContains(t, x.What+x.Text+x.Do, "5ec")
	}
}

func TestSQL24Forms(t *testing.T) {
	const queries = "passdb sql {\n  query = SELECT password FROM users WHERE name = '%{user}'\n}\nuserdb sql {\n  query = SELECT home FROM users WHERE name = '%{user}'\n}\n"
	for _, c := range []struct{ text, want, blocks string }{
		{"sql_driver = sqlite\nsqlite_path = /var/lib/users.db\n" + queries, "driver = sqlite\nconnect = /var/lib/users.db\n", ""},
		{"sql_driver = mysql\nmysql /run/mysqld/mysqld.sock {\n  user = a\n  password = b\n  dbname = c\n  read_timeout = 5s\n}\n" + queries, "connect = host=/run/mysqld/mysqld.sock user=a password=b dbname=c\n", ""},
		{"sql_driver = mysql\nssl_client_ca_file = /ca.pem\nmysql one {\n  mysql_host = h\n  mysql_port = 3307\n  mysql_user = a\n  password = b\n  dbname = c\n  ssl = yes\n}\n" + queries, "connect = host=h port=3307 user=a password=b dbname=c ssl_ca=/ca.pem ssl_verify_server_cert=yes\n", ""},
		{"sql_driver = mysql\nmysql a {\n  user = a\n  password = b\n  dbname = c\n}\nmysql b {\n  user = other\n  password = b\n  dbname = c\n}\n" + queries, "connect = host=a user=a password=b dbname=c\n", ""},
		{"sql_driver = mysql\nmysql a {\n  user = a\n  dbname = c\n}\n" + strings.Replace(queries, "%{user}", "%{user | md5}", 1), "", "md5"},
		{"sql_driver = mysql\nmysql a {\n  password = # hidden, use -P to show it\n}\n" + queries, "", "hidden"},
		{"sql_driver = mysql\n" + queries, "", "where the database is"},
		{"sql_driver = sqlite\n" + queries, "", "sqlite_path"},
		{queries, "", "sql_driver"},
	} {
		f := parsed(t, "n", head24+c.text)
		tr := Translate(f, "an.example")
		accounted(t, f, tr.Findings)
		for _, x := range tr.Findings {
			require.NotContains(t, x.Text, "isn't known", c.text)
			require.NotContains(t, x.What+x.Text, "password = b")
		}
		if c.blocks != "" {
			require.Contains(t, blocked(tr), c.blocks, c.text)
			continue
		}
		require.Empty(t, blocked(tr), c.text)
		require.Contains(t, tr.Made["dovecot-sql.conf.ext"], c.want, c.text)
		if !strings.Contains(c.text, ".pem") && !strings.Contains(c.text, ".db") {
			opened(t, tr)
		}
	}
}
