package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/internal/peers"
)

var ctx = context.Background()

// open opens accounts whose connections end with the test.
func open(t testing.TB, o accounts.Options) *accounts.Accounts {
	t.Helper()
	a, err := tryOpen(t, o)
	require.NoError(t, err)
	return a
}

func tryOpen(t testing.TB, o accounts.Options) (*accounts.Accounts, error) {
	t.Helper()
	o.Databases, o.Directories = new(sqldb.Pools), new(directory.Directories)
	t.Cleanup(func() { o.Databases.Close(); o.Directories.Close() })
	o.Domain, o.MasterSeparator = "example.com", "*"
	return accounts.Open(o)
}

func login(a *accounts.Accounts, user, password, remote string) (*mail.Identity, error) {
	q := &mail.AuthRequest{Username: user, Password: password, Service: "imap"}
	if remote != "" {
		q.Remote = &net.TCPAddr{IP: net.ParseIP(remote), Port: 1}
	}
	return a.Authenticator().Authenticate(ctx, q)
}

// people are the rows of the table users: what Dovecot is compared by.
func people(t testing.TB) [][]string {
	hash := func(scheme, p string) string {
		h, err := passwdfile.Hash(scheme, p)
		require.NoError(t, err)
		return h
	}
	return [][]string{ // name, domain, password, home, allow_nets, nologin
		{"alice", "example.com", hash("", "secret"), "/home/alice", "", ""},
		{"bob", "example.com", "{PLAIN}geheim", "/home/bob", "", ""},
		{"carol", "example.com", "{SSHA}MsXW4i3wxfbwCYuKYE3XSW0BqcTMtdVb", "/home/carol", "", ""},
		{"dave", "example.com", "{PLAIN}x", "", "10.0.0.0/8,192.0.2.1", ""},
		{"erin", "example.com", "{PLAIN}x", "/home/erin", "", "y"},
		{"frank", "example.com", "{NOSUCH}x", "/home/frank", "", ""},
		{"grace", "example.com", "{SHA512-CRYPT}broken", "/home/grace", "", ""},
		{"heidi", "example.com", "", "/home/heidi", "", ""},
		{"o'brien", "example.com", "{PLAIN}it's", "/home/o'brien", "", ""},
		{"müller", "example.com", "{PLAIN}größe", "/home/müller", "", ""},
		{"mallory", "example.org", "{PLAIN}x", "/home/mallory", "", ""},
		{"twice", "example.com", "{PLAIN}a", "/home/1", "", ""},
		{"twice", "example.com", "{PLAIN}b", "/home/2", "", ""},
		{"ivan", "example.com", "{CRYPT}$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", "/home/ivan", "", ""},
		{"judy", "example.com", "{SCRAM-SHA-256}" + strings.TrimPrefix(hash("SCRAM-SHA-256", "scram"), "{SCRAM-SHA-256}"), "/home/judy", "", ""},
	}
}

// attempts are logins of all kinds, with where they come from.
var attempts = [][3]string{
	{"alice", "secret", ""}, {"alice@example.com", "secret", ""}, {"ALICE@Example.COM", "secret", ""}, {"alice", "Secret", ""}, {"alice", "", ""}, {"alice@example.org", "secret", ""},
	{"bob", "geheim", ""}, {"bob", "geheim ", ""}, {"bob", "{PLAIN}geheim", ""}, {"carol", "secret", ""}, {"dave", "x", "10.1.2.3"}, {"dave", "x", "192.0.2.1"}, {"dave", "x", "192.0.2.2"}, {"dave", "y", "10.1.2.3"},
	{"frank", "x", ""}, {"grace", "x", ""}, {"grace", "broken", ""}, {"heidi", "", ""}, {"heidi", "x", ""}, {"o'brien", "it's", ""}, {"o'brien", "its", ""}, {"müller", "größe", ""}, {"muller", "größe", ""}, {"mallory@example.org", "x", ""}, {"mallory", "x", ""},
	{"twice", "a", ""}, {"twice", "b", ""}, {"ivan", "secret", ""}, {"judy", "scram", ""}, {"judy", "scramx", ""}, {"nobody", "x", ""}, {"nobody@nowhere", "x", ""},
	{"' OR '1'='1", "x", ""}, {"alice' -- ", "secret", ""}, {`alice\' OR 1=1 -- `, "x", ""}, {"x' UNION SELECT 'alice','example.com','{PLAIN}x' -- ", "x", ""}, {"alice@example.com' OR 'a'='a", "x", ""}, {"%", "x", ""}, {"*", "x", ""}, {"alice)(uid=*", "secret", ""}, {"ali*", "secret", ""}, {"*)(uid=alice", "secret", ""}, {`al\69ce`, "secret", ""},
	{"alice*root", "master", ""}, {"alice*root", "secret", ""}, {"alice*nobody", "master", ""}, {"nobody*root", "master", ""}, {"root", "master", ""}, {"denied", "x", ""}, {"late", "late", ""}, {"alice", "other", ""},
}

// differs is where we say something else than Dovecot, and why.
var differs = map[string]string{"nobody*root/master": "Dovecot lets a master user in as somebody who isn't there, and fails when his mailbox is opened"}

// compare asks Dovecot and us.
func compare(t *testing.T, d *peers.DovecotUsers, a *accounts.Accounts, differs map[string]string) {
	t.Helper()
	good := 0
	type answer struct {
		ok  bool
		err error
	}
	answers := make([]answer, len(attempts))
	var wg sync.WaitGroup // Dovecot waits half a second before it says no
	for i, w := range attempts {
		wg.Go(func() { answers[i].ok, answers[i].err = d.Login(w[0], w[1], w[2]) })
	}
	wg.Wait()
	for i, w := range attempts {
		theirs, terr := answers[i].ok, answers[i].err
		_, err := login(a, w[0], w[1], w[2])
		ours := err == nil
		if ours {
			good++
		}
		unknown := err != nil && !errors.Is(err, mail.ErrAuthFailed)
		key := strings.TrimSuffix(fmt.Sprint(w[0], "/", w[1], "/", w[2]), "/")
		if (theirs != ours || (terr != nil) != unknown) && differs[key] == "" {
			t.Errorf("%s: %v, Dovecot: %v %v", key, err, theirs, terr)
		}
		if differs[key] != "" && theirs == ours && (terr != nil) == unknown {
			t.Errorf("%s: is as in Dovecot now", key)
		}
	}
	require.Greater(t, good, 5)
	for _, name := range []string{"alice", "ALICE", "bob@example.com", "dave", "nobody", "mallory@example.org", "o'brien", "twice", "late", "denied"} {
		theirs, terr := d.User(name)
		u, err := a.Lookup(ctx, name)
		require.Equal(t, terr != nil, err != nil, "%s: %v, Dovecot: %v", name, err, terr)
		require.Equal(t, theirs != nil, u != nil, "%s: %v, Dovecot: %v %v", name, u, theirs, terr)
		if u != nil && u.Home != "" {
			require.Equal(t, theirs["home"], u.Home, name)
		}
	}
	if t.Failed() {
		t.Log(d.Log())
	}
}

// usersFile are those of the second passdb; masters and denied have files of their own.
const usersFile = "late@example.com:{PLAIN}late::::/home/late\nalice@example.com:{PLAIN}other::::/home/other\n"

func files(more map[string]string) map[string]string {
	out := map[string]string{"users2": usersFile, "masters": "root@example.com:{PLAIN}master\n", "deny": "denied@example.com\nmallory@example.com\n"}
	for k, v := range more {
		out[k] = v
	}
	return out
}

const chainConf = `
passdb {
  driver = passwd-file
  deny = yes
  args = %DIR%/deny
}
passdb {
  driver = passwd-file
  master = yes
  args = %DIR%/masters
}
passdb {
  driver = DRIVER
  args = %DIR%/db.conf.ext
}
passdb {
  driver = passwd-file
  args = %DIR%/users2
}
userdb {
  driver = DRIVER
  args = %DIR%/db.conf.ext
  default_fields = uid=65534 gid=65534
}
userdb {
  driver = passwd-file
  args = %DIR%/users2
  default_fields = uid=65534 gid=65534
}
`

func chain(dir, driver string) string {
	return strings.ReplaceAll("{ passwd-file:%D/deny deny=yes }, { passwd-file:%D/masters master=yes }, "+driver+":%D/db.conf.ext, passwd-file:%D/users2", "%D", dir)
}

const queries = `default_pass_scheme = CRYPT
password_query = SELECT username, domain, password, allow_nets, nologin FROM users WHERE username = '%n' AND domain = '%d'
user_query = \
  SELECT home FROM users WHERE username = '%n' AND domain = '%d'
iterate_query = SELECT username, domain FROM users
`

func TestSQLAgainstDovecot(t *testing.T) {
	for _, driver := range []string{"sqlite", "pgsql"} {
		t.Run(driver, func(t *testing.T) {
			connect := "%DIR%/users.db"
			if driver == "pgsql" {
				pg := peers.Postgres(t)
				host, port, _ := net.SplitHostPort(pg.Addr)
				connect = "host=" + host + " port=" + port + " dbname=test user=test password=" + peers.Password
			}
			d := peers.DovecotAuth(t, strings.ReplaceAll(chainConf, "DRIVER", "sql"), files(map[string]string{"db.conf.ext": "driver = " + driver + "\nconnect = " + connect + "\n" + queries}))
			fill(t, driver, strings.ReplaceAll(connect, "%DIR%", d.Dir))
			compare(t, d, open(t, accounts.Options{Passdbs: chain(d.Dir, "sql")}), differs)
		})
	}
}

// fill makes the table of people.
func fill(t testing.TB, driver, connect string) {
	t.Helper()
	var run func(string)
	if driver == "sqlite" {
		db, err := sql.Open("sqlite", connect)
		require.NoError(t, err)
		defer db.Close()
		run = func(q string) { _, err := db.Exec(q); require.NoError(t, err, q) }
		defer os.Chmod(connect, 0o644)
	} else {
		pools := new(sqldb.Pools)
		defer pools.Close()
		c, err := sqldb.ParseConnect(driver, connect)
		require.NoError(t, err)
		p, err := pools.Get(c)
		require.NoError(t, err)
		run = func(q string) {
			_, err := p.Query(ctx, func(sqldb.Quote) (string, error) { return q, nil })
			require.NoError(t, err, q)
		}
	}
	run("CREATE TABLE users (username TEXT, domain TEXT, password TEXT, home TEXT, allow_nets TEXT, nologin TEXT)")
	for _, p := range people(t) {
		var v []string
		for i, s := range p {
			if s == "" && i > 1 {
				v = append(v, "NULL")
			} else {
				v = append(v, "'"+strings.ReplaceAll(s, "'", "''")+"'")
			}
		}
		run("INSERT INTO users VALUES (" + strings.Join(v, ", ") + ")")
	}
}

func ldif(t testing.TB) string {
	var b strings.Builder
	b.WriteString("dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: x\n\n")
	for i, p := range people(t) {
		if p[4] != "" || p[5] != "" {
			continue
		}
		fmt.Fprintf(&b, "dn: cn=u%d,dc=example,dc=com\nobjectClass: inetOrgPerson\nobjectClass: mailthing\ncn: u%d\nsn: x\nuid: %s\nmail: %s@%s\nmailhome: %s\n", i, i, p[0], p[0], p[1], p[3])
		if p[2] != "" {
			fmt.Fprintf(&b, "userPassword: %s\n", strings.TrimPrefix(p[2], "{PLAIN}"))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestLDAPAgainstDovecot(t *testing.T) {
	for name, more := range map[string]string{
		"passwords": "dn = cn=admin,dc=example,dc=com\ndnpass = " + peers.Password + "\ndefault_pass_scheme = PLAIN\n",
		"bind":      "auth_bind = yes\n",
		"template":  "auth_bind = yes\nauth_bind_userdn = cn=%n,dc=example,dc=com\n",
	} {
		t.Run(name, func(t *testing.T) {
			slapd := peers.Slapd(t, ldif(t)+"dn: cn=alice,dc=example,dc=com\nobjectClass: person\ncn: alice\nsn: x\nuserPassword: secret\n")
			conf := "uris = ldap://" + slapd.Addr + "\nbase = dc=example, dc=com\nscope = subtree\npass_attrs = mail=user,userPassword=password\npass_filter = (&(objectClass=inetOrgPerson)(mail=%u))\n" +
				"user_attrs = mailhome=home, =quota_rule=*:storage=%{ldap:cn:none}\nuser_filter = (mail=%u)\niterate_filter = (mail=*)\niterate_attrs = mail=user\n" + more
			d := peers.DovecotAuth(t, strings.ReplaceAll(chainConf, "DRIVER", "ldap"), files(map[string]string{"db.conf.ext": conf,
				"own.conf.ext": strings.Replace(more, "cn=%n,dc=example", "cn=%n,dc=%d", 1) + "uris = ldap://" + slapd.Addr + "\nbase = dc=%d, dc=com\niterate_filter = (cn=alice)\niterate_attrs = cn=user\n"}))
			a := open(t, accounts.Options{Passdbs: chain(d.Dir, "ldap")})
			if name == "template" {
				for _, w := range [][2]string{{"alice", "secret"}, {"alice", "wrong"}, {"alice", ""}, {"nobody", "x"}, {"late", "late"}, {"alice,dc=example", "secret"}, {"x,cn=alice", "secret"}} {
					theirs, terr := d.Login(w[0], w[1], "")
					_, err := login(a, w[0], w[1], "")
					require.Equal(t, theirs, err == nil, "%v %v %v", w, terr, err)
				}
				return
			}
			compare(t, d, a, differs)
			u, err := a.Lookup(ctx, "bob")
			require.NoError(t, err)
			require.Equal(t, "*:storage=u1", u.Extra("userdb_quota_rule"))
			names, err := a.Users(ctx)
			require.NoError(t, err)
			require.Contains(t, names, "carol@example.com")
			require.Contains(t, names, "late@example.com")
			here, err := a.InDomain(ctx, "example.com")
			require.NoError(t, err)
			require.ElementsMatch(t, slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, "@example.com") }), here)
			byDomain, err := tryOpen(t, accounts.Options{Passdbs: "ldap:" + d.Dir + "/own.conf.ext", Domain: "site.test"})
			require.NoError(t, err)
			some, err := byDomain.InDomain(ctx, "example")
			require.NoError(t, err)
			require.Contains(t, some, "alice@example", "a name without a domain is of the domain in whose place it is")
			slapd.Stop()
			_, err = byDomain.InDomain(ctx, "example")
			require.Error(t, err)
			_, err = login(a, "bob", "geheim", "")
			require.Error(t, err)
			require.NotErrorIs(t, err, mail.ErrAuthFailed, "a directory that is gone says nothing about passwords")
			_, err = a.Lookup(ctx, "bob")
			require.Error(t, err)
			_, err = login(a, "late", "late", "")
			require.NoError(t, err, "result_internalfail=continue")
		})
	}
}
