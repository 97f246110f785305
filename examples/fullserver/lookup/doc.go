// Package lookup has Postfix's lookup tables: what stands behind alias_maps, virtual_mailbox_maps, transport_maps, check_client_access and
// everything else in main.cf that is written "type:name".
//
// # Opening and asking
//
// Open opens one table, OpenList a list of them as it stands in main.cf. A Table answers a key with a value, with "not found", or with an error.
// An error means that nobody knows: what depends on it is answered 4xx. Tables are safe for use by many goroutines.
//
// # Types
//
//	hash btree lmdb cdb dbm texthash
//	          "key value" lines (postmap(1)), or with Options.Aliases "key: value" lines (aliases(5)). They are all read from
//	          that text, into memory; the file that postmap makes of it is not needed and not looked at.
//	inline    inline:{ key=value, { key = text with spaces } }
//	static    static:value: this answer to every key
//	regexp    POSIX expressions, regexp_table(5)
//	pcre      Perl-compatible expressions, pcre_table(5)
//	ldap      a search in a directory, ldap_table(5)
//	sqlite pgsql mysql
//	          a query to a database, sqlite_table(5), pgsql_table(5), mysql_table(5)
//	cidr      networks, cidr_table(5)
//	unionmap  the answers of several tables
//	pipemap   the answer of a table to the answer of the table before it
//	randmap   one of several values by chance
//	environ   the environment
//	unix      unix:passwd.byname and unix:group.byname, from /etc
//	tcp       a server that speaks tcp_table(5)
//	socketmap a server that speaks socketmap_table(5)
//	fail      fails: for tests
//
// Options.Types adds others. "proxy:" before a type changes nothing.
//
// # Keys and values
//
// Keys are compared without regard to case, by Unicode's full folding, in all tables but those of patterns and unless Options.NoFold is set. A key
// that is not UTF-8 is in no table; a value that is not is an error (Options.NoUTF8 for smtputf8_enable = no).
//
// # Changes
//
// A table in a file is read again when the file has changed. It is looked at once a second at most, when somebody asks. A file that is renamed into
// place counts at once; one that is written in place counts when it has been left alone for a second. When the new text can't be read,
// the table stays as it was, and Options.Warn is told. Nobody ever sees half a table.
//
// # What is wrong with a table
//
// Malformed lines are left out and reported to Options.Warn, as Postfix does; Check collects these reports, as running postmap would. Errors
// and warnings name the file and the line.
package lookup
