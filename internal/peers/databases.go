package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Database is a server of data with one user, "test", whose password is Password.
type Database struct {
	Addr   string // host:port on loopback
	Socket string // PostgreSQL: the folder of its socket; MariaDB: the socket
	Name   string // of the database
	Dir    string // for files that the test wants beside it

	s *Server
}

// Stop ends it before the test does.
func (d *Database) Stop() { d.s.Stop() }

func newDatabase(t TB) *Database {
	s := newServer(t)
	s.POP3 = s.IMAP
	return &Database{Addr: s.IMAP, Dir: s.Dir, Name: "test", s: s}
}

// asNobody is what the servers that don't want to be root's are started with.
const asNobody = "mkdir $D/data; chown 65534:65534 $D/data\nU='setpriv --reuid=65534 --regid=65534 --clear-groups'\n"

// Postgres starts an empty PostgreSQL. What it stores is lost with it: nothing is synced.
func Postgres(t TB) *Database {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		lack(t, "PostgreSQL is not there: run .ci/deps")
	}
	d := newDatabase(t)
	d.Socket = filepath.Join(d.Dir, "data")
	d.s.write("password", Password)
	d.s.run("", asNobody+fmt.Sprintf(`PATH=$PATH:%s; cd $D/data
$U initdb -D $D/data -U test -A scram-sha-256 --pwfile=$D/password -E UTF8 --locale=C --no-sync --no-instructions
echo 'CREATE DATABASE test' | $U postgres --single -F -D $D/data postgres
$U postgres -F -D $D/data -h 127.0.0.1 -p %s -k $D/data -c shared_buffers=4MB -c max_connections=30 -c autovacuum=off
`, filepath.Dir(found[len(found)-1]), port(d.Addr)))
	for i := 0; ; i++ { // it listens before it answers; pg_ctl waits for the same word
		text, _ := os.ReadFile(filepath.Join(d.Dir, "data", "postmaster.pid"))
		if strings.HasSuffix(strings.TrimSpace(string(text)), "ready") {
			return d
		}
		select {
		case <-d.s.exited:
			t.Fatalf("PostgreSQL doesn't start:\n%s", d.s.out.tail())
		case <-time.After(20 * time.Millisecond):
		}
		if i > 3000 {
			t.Fatalf("PostgreSQL isn't ready:\n%s", d.s.out.tail())
		}
	}
}

// MariaDB starts an empty MariaDB.
func MariaDB(t TB) *Database {
	t.Helper()
	for _, p := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := exec.LookPath(p); err != nil {
			if _, err := os.Stat("/usr/sbin/" + p); err != nil {
				lack(t, "MariaDB is not there: run .ci/deps")
			}
		}
	}
	d := newDatabase(t)
	d.Socket = filepath.Join(d.Dir, "data", "socket")
	d.s.write("init.sql", "CREATE DATABASE test CHARACTER SET utf8mb4;\nCREATE USER test@localhost IDENTIFIED BY '"+Password+"';\nGRANT ALL ON *.* TO test@localhost;\n"+
		"CREATE USER test@'127.0.0.1' IDENTIFIED BY '"+Password+"';\nGRANT ALL ON *.* TO test@'127.0.0.1';\n")
	d.s.run("", asNobody+fmt.Sprintf(`PATH=$PATH:/usr/sbin; cd $D/data; chmod 644 $D/init.sql
$U mariadb-install-db --no-defaults --datadir=$D/data --auth-root-authentication-method=normal --skip-test-db --innodb-flush-log-at-trx-commit=0
$U mariadbd --no-defaults --datadir=$D/data --bind-address=127.0.0.1 --port=%s --socket=%s --pid-file=$D/data/pid --init-file=$D/init.sql \
	--innodb-buffer-pool-size=8M --innodb-flush-log-at-trx-commit=0 --character-set-server=utf8mb4 --performance-schema=off --log-bin-trust-function-creators=1
`, port(d.Addr), d.Socket))
	return d
}

// Slapd starts Debian's slapd over the entries of an LDIF below dc=example,dc=com, whose root is cn=admin,dc=example,dc=com with Password. Reading
// needs no name, but userPassword can only be compared.
func Slapd(t TB, ldif string) *Database {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/slapd"); err != nil {
		lack(t, "slapd is not there: run .ci/deps")
	}
	d := newDatabase(t)
	d.Name = "dc=example,dc=com"
	d.s.write("data.ldif", ldif)
	d.s.write("extra.schema", extraSchema)
	d.s.write("slapd.conf", fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include %[1]s/extra.schema
pidfile %[1]s/pid
modulepath /usr/lib/ldap
moduleload back_mdb
sizelimit 500
access to attrs=userPassword by anonymous auth by * none
access to * by * read
database mdb
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw %[2]s
directory %[1]s/db
dbnosync
index objectClass eq
`, d.Dir, Password))
	d.s.run("", fmt.Sprintf(`mkdir $D/db; PATH=$PATH:/usr/sbin
slapadd -q -f $D/slapd.conf -l $D/data.ldif
slapd -f $D/slapd.conf -h ldap://%s -d 0
`, d.Addr))
	return d
}

// extraSchema has attributes for mail that Debian's schemas lack, with names of Postfix's and Dovecot's examples.
const extraSchema = `attributetype ( 1.3.6.1.4.1.99999.1 NAME 'mailacceptinggeneralid' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.2 NAME 'maildrop' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.3 NAME 'memberdn' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
attributetype ( 1.3.6.1.4.1.99999.4 NAME 'memberurl' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.5 NAME 'mailhome' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.99999.10 NAME 'mailthing' SUP top AUXILIARY MAY ( mailacceptinggeneralid $ maildrop $ memberdn $ memberurl $ mailhome ) )
`
