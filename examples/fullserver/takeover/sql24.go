package takeover

import (
	"cmp"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/doveconf"
)

// sqlFile is a file as 2.3 has for databases, made of 2.4's settings. A passdb and a userdb share one where they ask the same database.
type sqlFile struct {
	connect  string // with the driver
	pass     string // the lines of a passdb, "" for none yet
	user     string
	name     string
	sections []*doveconf.Section
}

// sql24 writes one.
func (t *translation) sql24(d *database, kind string) string {
	driver := t.of(d, kind, "sql_driver").value
	if driver == "" {
		t.find(Blocks, d.setting, "", "nothing says which database it is (sql_driver)")
		return ""
	}
	c := new(confExt)
	c.set("driver", driver)
	connect, sections, ok := t.connect24(d, driver)
	if !ok {
		return ""
	}
	c.set("connect", connect)
	lines := new(confExt)
	write := func(name, value string) bool {
		q, err := t.query(value, kind)
		if err != nil {
			t.find(Blocks, d.setting, "", "%v", err)
			return false
		}
		lines.put(name, q)
		return true
	}
	if kind == "passdb" {
		lines.put("default_pass_scheme", t.of(d, kind, "default_password_scheme").value)
		ok = write("password_query", t.of(d, kind, "query").value)
	} else {
		ok = write("user_query", t.of(d, kind, "query").value) && write("iterate_query", t.of(d, kind, "iterate_query").value)
	}
	if !ok {
		return ""
	}
	f := t.sqlFile(kind, c.String(), lines.String())
	f.sections = sections
	t.made[f.name] = f.connect + f.pass + f.user
	t.find(Translated, d.setting, "", "sql:$config_directory/%s, made of these settings", f.name)
	return "sql:$config_directory/" + f.name
}

// sqlFile is the file that has these lines, or has room for them.
func (t *translation) sqlFile(kind, connect, lines string) *sqlFile {
	place := func(f *sqlFile) *string {
		if kind == "passdb" {
			return &f.pass
		}
		return &f.user
	}
	for _, f := range t.sqlFiles {
		if p := place(f); f.connect == connect && (*p == "" || *p == lines) {
			*p = lines
			return f
		}
	}
	f := &sqlFile{connect: connect}
	*place(f) = lines
	c := new(confExt)
	c.WriteString(connect + lines)
	f.name = strings.TrimPrefix(t.keep("dovecot-sql", c), "$config_directory/")
	t.sqlFiles = append(t.sqlFiles, f)
	return f
}

// connect24 writes how to reach the database. Several servers are those of one database, which are asked in turn.
func (t *translation) connect24(d *database, driver string) (connect string, sections []*doveconf.Section, ok bool) {
	if driver == "sqlite" {
		path := t.value("sqlite_path")
		for _, s := range t.sqlSections(d, driver) {
			path, sections = cmp.Or(s.Value("path"), s.Name), append(sections, s)
		}
		if path == "" {
			t.find(Blocks, d.setting, "", "nothing says which file the database is (sqlite_path)")
		}
		return path, sections, path != ""
	}
	var hosts, rest []string
	for i, s := range t.sqlSections(d, driver) {
		pairs, host, ok := t.server(s, driver)
		if !ok {
			t.find(Blocks, d.setting, "make the file with doveconf -N -P", "the database's password is hidden")
			return "", nil, false
		}
		switch {
		case i > 0 && !slices.Equal(pairs, rest):
			t.find(Differs, setting{said: s.Title(), line: s.Line}, "give all servers the same user, password and parameters, with which Dovecot works, too", "isn't asked")
			continue
		case i == 0:
			rest = pairs
			t.unsaid(s, driver)
		}
		hosts, sections = append(hosts, "host="+quotedPair(host)), append(sections, s)
	}
	if len(hosts) == 0 {
		t.find(Blocks, d.setting, "", "nothing says where the database is (%s { })", driver)
		return "", nil, false
	}
	return strings.Join(append(hosts, rest...), " "), sections, true
}

// sqlSections are a source's own servers, or those of all.
func (t *translation) sqlSections(d *database, driver string) []*doveconf.Section {
	if d.section != nil {
		if own := slices.Collect(d.section.Of(driver)); len(own) > 0 {
			return own
		}
	}
	var out []*doveconf.Section
	for _, s := range t.model.sql {
		if s.Kind == driver {
			out = append(out, s)
		}
	}
	return out
}

// server is one server's address, and how to log in there. ok is false for a password that isn't told.
func (t *translation) server(s *doveconf.Section, driver string) (pairs []string, host string, ok bool) {
	host = s.Name
	for _, v := range s.Settings {
		switch name := strings.TrimPrefix(v.Name, driver+"_"); name {
		case "host":
			host = v.Value
		case "dbname", "user", "password", "port":
			if v.Hidden {
				return nil, "", false
			}
			pairs = append(pairs, name+"="+quotedPair(v.Value))
		case "ssl":
			if v.Value == "yes" {
				pairs = append(pairs, t.mysqlTLS()...)
			}
		}
	}
	for _, p := range s.Sections {
		if p.Kind != "parameters" && p.Kind != driver+"_parameters" {
			continue
		}
		for _, v := range p.Settings {
			if v.Hidden {
				return nil, "", false
			}
			pairs = append(pairs, v.Name+"="+quotedPair(v.Value))
		}
	}
	return pairs, host, true
}

// mysqlTLS is how a server of MySQL is known. Dovecot takes its settings as a client for that.
func (t *translation) mysqlTLS() (pairs []string) {
	for _, name := range [][2]string{{"ssl_client_ca_file", "ssl_ca"}, {"ssl_client_cert", "ssl_cert"}, {"ssl_client_key", "ssl_key"}} {
		if v := t.value(name[0]); v != "" {
			pairs = append(pairs, name[1]+"="+quotedPair(v))
		}
	}
	if t.value("ssl_client_require_valid_cert") == "no" {
		if len(pairs) == 0 {
			return []string{"ssl_ca=/etc/ssl/certs/ca-certificates.crt"} // which alone says that there is TLS
		}
		return pairs
	}
	return append(pairs, "ssl_verify_server_cert=yes")
}

// unsaid names what isn't carried over.
func (t *translation) unsaid(s *doveconf.Section, driver string) {
	for _, v := range s.Settings {
		about := setting{said: s.Title() + ": " + v.Name + " = " + v.Value, line: v.Line}
		switch strings.TrimPrefix(v.Name, driver+"_") {
		case "host", "dbname", "user", "password", "port", "ssl":
		case "connection_limit", "connect_timeout", "read_timeout", "write_timeout", "client_flags":
			t.same(about, "connections are shared, eight at most, and given up when nobody answers")
		default:
			t.find(Differs, about, "write what it says into the section itself, which Dovecot takes, too", "isn't carried over")
		}
	}
}

// quotedPair is a value of a connect line.
func quotedPair(v string) string {
	if v != "" && !strings.ContainsAny(v, " \t'\\") {
		return v
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
}

// databases says of each server what became of it.
func (t *translation) databases() {
	used := map[*doveconf.Section]string{}
	for _, f := range t.sqlFiles {
		for _, s := range f.sections {
			used[s] = f.name
		}
	}
	for _, s := range t.model.sql {
		about := setting{said: s.Title(), line: s.Line}
		if name := used[s]; name != "" {
			t.find(Translated, about, "", "is in %s", name)
		} else {
			t.find(Differs, about, "look whether you need it", "no passdb or userdb that is carried over asks it")
		}
	}
}
