package isp_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// TestSQL has the domains, aliases and quotas in a database, as schema.sql makes it. A domain more is one INSERT; a database that doesn't answer
// means "come again", and nothing else.
func TestSQL(t *testing.T) {
	s := scene.New(t, zone)
	dir := t.TempDir()
	file := filepath.Join(dir, "isp.db")
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer db.Close()
	do := func(text string, args ...any) {
		t.Helper()
		_, err := db.Exec(text, args...)
		require.NoError(t, err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		return strings.ReplaceAll(string(b), "/var/lib/fullserver/isp.db", file)
	}
	do(read("schema.sql"))
	site := scene.Site{Addr: addr, Folder: ".", Files: map[string]string{}, Params: []string{"virtual_mailbox_domains=sqlite:$config_directory/sql-domains.cf",
		"virtual_alias_maps=sqlite:$config_directory/sql-virtual.cf", "quota_rule_maps=sqlite:$config_directory/sql-quotas.cf",
		"domain_quota_rule_maps=sqlite:$config_directory/sql-limits.cf", "domain_admin_maps=sqlite:$config_directory/sql-admins.cf"}}
	for _, name := range []string{"sql-domains.cf", "sql-virtual.cf", "sql-quotas.cf", "sql-limits.cf", "sql-admins.cf"} {
		site.Files[name] = read(name)
	}
	for i := range 50 {
		d := fmt.Sprintf("d%03d.example", i)
		do("INSERT INTO domains VALUES (?, ?, ?, ?)", d, i, sql.NullString{String: "*:storage=20k", Valid: i == 7}, sql.NullString{String: "*:storage=25k:mailboxes=3", Valid: i == 8})
		do("INSERT INTO aliases VALUES (?, ?)", "all@"+d, "u1@"+d+", u2@"+d)
		site.Users = append(site.Users, "u1@"+d, "u2@"+d)
	}
	site.Users = append(site.Users, "u1@late.example")
	isp := s.Fullserver(site)
	post := func(to, subject, body string) string {
		return s.Post(scene.Stranger, isp, scene.Letter{From: "sender@example.org", To: to, Subject: subject, Body: body})
	}
	scene.Accepted(t, post("ALL@d049.example", "first", ""))
	isp.Arrives("u1@d049.example", "first")
	isp.Arrives("u2@d049.example", "first")
	require.Contains(t, post("nobody@d049.example", "", ""), "550 5.1.1 <nobody@d049.example>: Recipient address rejected: User unknown in virtual mailbox table")
	require.Contains(t, post("'or'1'='1@d049.example", "", ""), "550 5.1.1 ", "a query is not to be written by who asks")

	t.Log("a domain more")
	require.Contains(t, post("u1@late.example", "", ""), "554 5.7.1 <u1@late.example>: Relay access denied")
	do("INSERT INTO domains VALUES ('late.example', 99, NULL, NULL)")
	scene.Accepted(t, post("u1@late.example", "second", ""))

	t.Log("a domain's quota, and more of it")
	large := strings.Repeat(strings.Repeat("x", 74)+"\r\n", 200) // 15 kB
	scene.Accepted(t, post("u1@d007.example", "fits", large))
	require.Contains(t, post("u1@d007.example", "too much", large), "552 5.2.2 ")
	do("UPDATE domains SET quota = '*:storage=1M' WHERE name = 'd007.example'")
	scene.Accepted(t, post("u1@d007.example", "fits now", large))

	t.Log("what all of a domain have together, and who administers it, with more than one domain")
	do("INSERT INTO domain_admins VALUES ('u1@d008.example', 'd008.example'), ('u1@d008.example', 'd009.example')")
	scene.Accepted(t, post("u1@d008.example", "fits", large))
	require.Contains(t, post("u2@d008.example", "too much", large), "552 5.2.2 ")
	scene.Accepted(t, post("u2@d009.example", "fits", large))
	tell := func(want string, command ...string) {
		t.Helper()
		out, err := isp.Tell("secret\n", command...)
		require.Equal(t, want == "", err == nil, out)
		require.Contains(t, out, want)
	}
	params := func(words ...string) []string {
		var out []string
		for _, p := range site.Params {
			out = append(out, "-o", p)
		}
		return append(out, words...)
	}
	tell("", params("user", "-as", "u1@d008.example", "add", "u3@d008.example")...)
	tell("", params("user", "-as", "u1@d008.example", "add", "u3@d009.example")...)
	tell("d008.example has 3 mailboxes and may have 3", params("user", "-as", "u1@d008.example", "add", "u4@d008.example")...)
	tell("permission denied: u1@d008.example does not administer d010.example", params("user", "-as", "u1@d008.example", "add", "u3@d010.example")...)
	tell("permission denied: 'or'1'='1@d008.example administers no domain", params("user", "-as", "'or'1'='1@d008.example", "list")...)
	tell("aliases are in no file that this program could change", params("alias", "-as", "u1@d008.example", "set", "a@d008.example", "u1@d008.example")...)
	scene.Accepted(t, post("u3@d009.example", "for the new one", ""))

	t.Log("a database that doesn't answer")
	do("ALTER TABLE domains RENAME TO gone")
	require.Contains(t, post("u1@d001.example", "", ""), "451 4.3.0 <u1@d001.example>: Temporary lookup failure")
	do("ALTER TABLE gone RENAME TO domains")
	scene.Accepted(t, post("u1@d001.example", "third", ""))
}
