package server_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Users in a database: they log in and get mail; while the database can't be asked their mail waits, and nobody is told that he doesn't exist or has a wrong password.
func TestUsersInADatabase(t *testing.T) {
	dir := t.TempDir()
	// alice of passwd_file isn't asked for, nor is bob.
	path := filepath.Join(dir, "users.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE users (username TEXT, domain TEXT, password TEXT, home TEXT, quota TEXT); INSERT INTO users VALUES ('alice', 'example.test', '{PLAIN}secret', NULL, '*:storage=1M')")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	conf := filepath.Join(dir, "sql.conf.ext")
	require.NoError(t, os.WriteFile(conf, []byte("driver = sqlite\nconnect = "+path+"\npassword_query = SELECT username, domain, password FROM users WHERE username = '%n' AND domain = '%d'\n"+
		"user_query = SELECT home, quota AS quota_rule FROM users WHERE username = '%n' AND domain = '%d'\n"), 0o600))
	r := start(t, "passdb=sql:"+conf)

	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<s@far.test>", "250 ")
	require.Equal(t, "250 2.1.5 Ok", m.say("RCPT TO:<alice@example.test>", "2", "4", "5"))
	require.Equal(t, "550 5.1.1 <bob@example.test>: Recipient address rejected: User unknown in virtual mailbox table", m.say("RCPT TO:<bob@example.test>", "2", "4", "5"))
	m.say("RSET", "250")
	r.send("s@far.test", "alice@example.test", "Subject: hello\r\n\r\nhello\r\n")
	require.Contains(t, r.inbox("alice", "secret", 1), "hello")

	i := r.dial("imap_listen")
	i.until("* OK")
	require.Contains(t, i.say(`a LOGIN alice wrong`, "a "), "a NO [AUTHENTICATIONFAILED]")
	require.Contains(t, i.say(`b LOGIN "alice' OR '1'='1" secret`, "b "), "b NO [AUTHENTICATIONFAILED]")

	require.NoError(t, os.Rename(path, path+".gone"))
	m.say("MAIL FROM:<s@far.test>", "250 ")
	require.Contains(t, m.say("RCPT TO:<alice@example.test>", "2", "4", "5"), "451 4.3.0 <alice@example.test>: Temporary lookup failure")
	require.Contains(t, m.say("RCPT TO:<bob@example.test>", "2", "4", "5"), "451 4.3.0 ")
	require.Contains(t, i.say(`c LOGIN alice secret`, "c "), "c NO [UNAVAILABLE]")
	require.NoError(t, os.Rename(path+".gone", path))
	require.Equal(t, "250 2.1.5 Ok", eventually(m, "RCPT TO:<alice@example.test>"))
}

// eventually says it until the answer is no 4xx any more: who has failed is left alone for a second.
func eventually(m *typist, line string) string {
	for {
		if reply := m.say(line, "2", "4", "5"); reply[0] != '4' {
			return reply
		}
	}
}
