package takeover

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// users are passdb and userdb.
func (t *translation) users() {
	var pass, user []string
	plain := "" // the passwd-file that is all there is
	for i := range t.model.passdbs {
		d := &t.model.passdbs[i]
		spec := t.source(d, "passdb")
		if spec == "" {
			continue
		}
		options := t.options(d)
		if file, ok := strings.CutPrefix(spec, "passwd-file:"); ok && options == "" && len(t.model.passdbs) == 1 {
			plain = file
		}
		if options != "" {
			spec = "{ " + spec + options + " }"
		}
		pass = append(pass, spec)
	}
	prefetch := false
	for i := range t.model.userdbs {
		d := &t.model.userdbs[i]
		if d.driver == "prefetch" {
			prefetch = true
			t.find(Translated, d.setting, "", "users are looked up when they are needed; userdb says who there is")
			continue
		}
		spec := t.source(d, "userdb")
		if spec == "" {
			continue
		}
		if o := t.options(d); o != "" || strings.Contains(spec, " ") || strings.HasPrefix(spec, "static:") {
			spec = "{ " + spec + o + " }"
		}
		user = append(user, spec)
		if spec != "passwd-file:"+plain {
			plain = ""
		}
	}
	if db := t.model.sql; db != nil && t.made[sqlFile] != "" {
		t.find(Translated, setting{said: db.Title(), line: db.Line}, "", "is in %s", sqlFile)
	} else if db != nil {
		t.find(Differs, setting{said: db.Title(), line: db.Line}, "look whether you need it", "no passdb or userdb that is carried over asks it")
	}
	if len(t.model.passdbs) == 0 {
		t.find(Blocks, setting{said: "passdb", param: "passdb"}, "", "there is no passdb: nobody can log in")
	}
	if len(t.model.userdbs) == 0 && len(t.model.passdbs) > 0 {
		t.find(Blocks, setting{said: "userdb", param: "userdb"}, "", "there is no userdb: Dovecot itself finds no mailboxes")
	}
	if prefetch && len(user) == 0 {
		t.find(Blocks, setting{said: "userdb prefetch", param: "userdb"}, "write a userdb beside it", "nothing says who there is when nobody logs in")
	}
	switch {
	case plain != "":
		t.param("passwd_file", plain)
	case len(pass) > 0:
		t.param("passdb", strings.Join(pass, ", "))
		if len(user) > 0 {
			t.param("userdb", strings.Join(user, ", "))
		}
	}
}

// source is "driver:argument", "" for one that can't be.
func (t *translation) source(d *database, kind string) string {
	s := d.setting
	if kind == "passdb" || d.driver != "static" {
		t.fields(d, kind)
	}
	switch d.driver {
	case "passwd-file":
		return t.passwdFile(d)
	case "sql":
		if t.v24 && d.args == "" {
			return t.sql24(d)
		}
		t.find(Translated, s, "", "%s = sql:%s", kind, d.args)
		return "sql:" + dollars(d.args)
	case "ldap":
		if t.v24 && d.args == "" {
			t.find(Blocks, s, "write a file as Dovecot 2.3 had it (uris, dn, dnpass, base, auth_bind, pass_filter, user_filter, user_attrs), /etc/dovecot/dovecot-ldap.conf.ext, and -set "+kind+"=ldap:/etc/dovecot/dovecot-ldap.conf.ext", "directories are described in a file of their own here")
			return ""
		}
		t.find(Translated, s, "", "%s = ldap:%s", kind, d.args)
		return "ldap:" + dollars(d.args)
	case "oauth2":
		if t.v24 && d.args == "" {
			t.find(Blocks, s, "write the file that docs/accounts.md shows under \"Tokens\" and name it by -set passdb=…, with the other sources; or take the passdb out if nobody logs in by token", "tokens are described in a file of their own here")
			return ""
		}
		t.find(Translated, s, "", "passdb = oauth2:%s", d.args)
		return "oauth2:" + dollars(d.args)
	case "static":
		if kind == "passdb" {
			t.find(Blocks, s, "give users passwords of their own", "a password for all, or none, isn't taken over")
			return ""
		}
		return t.static(d)
	case "pam", "passwd", "shadow", "bsdauth":
		do := `put the users' passwords into a file, getent shadow | awk -F: '$2 ~ /^[$]/ {print $1 ":{CRYPT}" $2}' > /etc/dovecot/users, their mailboxes below one folder of one user, and name both in Dovecot's passdb passwd-file and userdb static; then import again`
		t.find(Blocks, s, do, "users of the system, each with mail of his own, aren't taken over")
	default:
		t.find(Blocks, s, "move the users to a passwd-file, to SQL or to LDAP", "the driver %s isn't here", d.driver)
	}
	return ""
}

// options are those in braces behind a source.
func (t *translation) options(d *database) string {
	var b strings.Builder
	for _, o := range d.options {
		name := strings.TrimSuffix(o.name, "_filter")
		switch name {
		case "driver", "args", "passwd_file_path", "default_password_scheme", "auth_verbose", "name", "query", "iterate_query", "update_query", "sql_driver", "use_worker":
		case "deny", "master", "pass":
			if o.value == "yes" {
				b.WriteString(" " + name + "=yes")
			}
		case "skip", "result_success", "result_failure", "result_internalfail":
			b.WriteString(" " + name + "=" + o.value)
		case "mechanisms":
			if o.value != "" {
				b.WriteString(" mechanisms=" + strings.Join(strings.Fields(o.value), ","))
			}
		case "username":
			if o.value != "" {
				t.find(Blocks, o, "", "which users a source is asked about can't be chosen")
			}
		case "auth_username_format", "username_format":
			t.setting(setting{name: "auth_username_format", value: o.value, said: o.said, line: o.line})
		default:
			t.find(Differs, o, "look whether you need it", "isn't known")
		}
	}
	return b.String()
}

// elsewhere are fields that put a user's mailboxes where mail_location doesn't say.
var elsewhere = []string{"mail", "mail_driver", "mail_path", "mail_inbox_path", "mail_control_path", "mailbox_list_layout"}

// fields are default_fields and override_fields.
func (t *translation) fields(d *database, kind string) {
	for _, s := range d.fields {
		name, _, _ := strings.Cut(s.name, ":") // 2.4's "home:default"
		switch {
		case kind == "userdb" && name == "home":
			t.homes = append(t.homes, s.value)
			t.find(Translated, s, "", "is part of mail_location, where that begins with a home")
		case kind == "userdb" && (name == "uid" || name == "gid"):
			s.name = "mail_" + name
			t.owner(s)
		case kind == "userdb" && name == "quota_rule":
			t.put(s, "quota_rule", dollars(s.value))
		case kind == "userdb" && (name == "quota_storage_size" || name == "quota_message_count"):
			s.name = name
			t.limit24(s)
		case kind == "userdb" && slices.Contains(elsewhere, name):
			s.param = "mail_location"
			t.find(Blocks, s, "write it as mail_location, outside of userdb", "where mailboxes are is said once")
		case kind == "passdb" && (strings.HasPrefix(name, "userdb_") || name == "user" || name == "nodelay"):
			t.find(Differs, s, "", "isn't used")
		case kind == "passdb":
			t.find(Blocks, s, "write it at the users", "a field for all who log in, such as allow_nets or proxy, isn't here: it may keep somebody out")
		default:
			t.find(Differs, s, "", "isn't used")
		}
	}
}

// passwdFile is "scheme=CRYPT username_format=%u /etc/dovecot/users".
func (t *translation) passwdFile(d *database) string {
	scheme, format := d.option("default_password_scheme"), ""
	words := strings.Fields(d.args)
	for len(words) > 0 && !strings.HasPrefix(words[0], "/") {
		name, value, _ := strings.Cut(words[0], "=")
		switch name {
		case "scheme":
			scheme = value
		case "username_format":
			format = value
		default:
			t.find(Blocks, d.setting, "", "%q isn't understood", words[0])
			return ""
		}
		words = words[1:]
	}
	if len(words) != 1 || strings.Contains(words[0], "%") {
		t.find(Blocks, d.setting, "put all users into one file, with their domains", "a passwd-file has one path here")
		return ""
	}
	file := words[0]
	if format != "" {
		t.setting(setting{name: "auth_username_format", value: format, said: d.said, line: d.line})
	}
	if scheme != "" && !strings.EqualFold(scheme, "CRYPT") && t.bare(file) {
		t.find(Blocks, d.setting, `write it before each: sed -i 's/^\([^:]*:\)\([^{]\)/\1{`+strings.ToUpper(scheme)+`}\2/' `+file+", which means the same to Dovecot", "passwords without {SCHEME} in %s are %s, and would be taken for CRYPT", file, scheme)
		return ""
	}
	t.find(Translated, d.setting, "", "passwd-file:%s", file)
	return "passwd-file:" + dollars(file)
}

// bare reports whether a passwd-file has passwords without their scheme, or can't be read, so that it may.
func (t *translation) bare(file string) bool {
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return true
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if strings.HasPrefix(sc.Text(), "#") {
			continue
		}
		_, rest, ok := strings.Cut(sc.Text(), ":")
		password, _, _ := strings.Cut(rest, ":")
		if ok && password != "" && password[0] != '{' {
			return true
		}
	}
	return sc.Err() != nil
}

// static is a userdb that is the same for all.
func (t *translation) static(d *database) string {
	var words []string
	for _, s := range d.fields {
		switch name, _, _ := strings.Cut(s.name, ":"); {
		case name == "home":
			t.homes = append(t.homes, s.value)
			v, err := t.variables(s.value)
			if err == nil && strings.ContainsAny(v, " \t") {
				err = errors.New("homes with blanks in them can't be written here")
			}
			if err != nil {
				t.find(Blocks, d.setting, "write it with %u, %n and %d", "%v", err)
				return ""
			}
			words = append(words, "home="+v)
		case name == "uid":
			s.name = "mail_uid"
			t.owner(s)
		case name == "gid":
			t.same(s, "mail_owner is who has the mailboxes on the disk")
		case name == "allow_all_users" || name == "quota_rule":
			words = append(words, name+"="+s.value)
		case name == "quota_storage_size" || name == "quota_message_count":
			s.name = name
			t.limit24(s)
		case slices.Contains(elsewhere, name):
			s.param = "mail_location"
			t.find(Blocks, s, "write it as mail_location, outside of userdb", "where mailboxes are is said once")
			return ""
		default:
			t.find(Differs, s, "", "isn't used")
		}
	}
	if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "home=") }) && t.value("mail_home") != "" {
		if v, err := t.variables(t.value("mail_home")); err == nil {
			words = append(words, "home="+v)
		}
	}
	out := "static:" + strings.Join(words, " ")
	t.find(Translated, d.setting, "", "userdb = %s", out)
	return dollars(out)
}

// sqlFile is what 2.3 has for databases.
const sqlFile = "dovecot-sql.conf.ext"

// sql24 writes that file of 2.4's settings.
func (t *translation) sql24(d *database) string {
	const name = sqlFile
	if t.made[name] != "" {
		t.find(Translated, d.setting, "", "sql:$config_directory/%s", name)
		return "sql:$config_directory/" + name
	}
	driver, db := t.value("sql_driver"), t.model.sql
	if db == nil || driver == "" {
		t.find(Blocks, d.setting, "", "nothing says which database it is")
		return ""
	}
	var connect []string
	if driver == "sqlite" {
		connect = []string{db.Value("path")}
	} else {
		connect = append(connect, "host="+db.Name)
		for _, v := range db.Settings {
			if v.Hidden {
				t.find(Blocks, d.setting, "make the file with doveconf -N -P", "the database's password is hidden")
				return ""
			}
			switch strings.TrimPrefix(v.Name, driver+"_") {
			case "dbname", "user", "password", "port":
				connect = append(connect, strings.TrimPrefix(v.Name, driver+"_")+"="+v.Value)
			default:
				t.find(Differs, setting{said: db.Title() + ": " + v.Name + " = " + v.Value, line: v.Line}, "write it into "+name, "isn't carried over")
			}
		}
		for p := range db.Of("parameters") {
			for _, v := range p.Settings {
				connect = append(connect, v.Name+"="+v.Value)
			}
		}
	}
	var b strings.Builder
	b.WriteString("driver = " + driver + "\nconnect = " + strings.Join(connect, " ") + "\n")
	if scheme := d.option("default_password_scheme"); scheme != "" {
		b.WriteString("default_pass_scheme = " + scheme + "\n")
	}
	write := func(name, query string) bool {
		if query == "" {
			return true
		}
		q, err := t.variables(query)
		if err != nil {
			t.find(Blocks, d.setting, "", "%v", err)
			return false
		}
		b.WriteString(name + " = " + q + "\n")
		return true
	}
	ok := true
	for _, p := range t.model.passdbs {
		if p.driver == "sql" {
			ok = ok && write("password_query", p.option("query"))
			break
		}
	}
	for _, u := range t.model.userdbs {
		if u.driver == "sql" {
			ok = ok && write("user_query", u.option("query")) && write("iterate_query", u.option("iterate_query"))
			break
		}
	}
	if !ok {
		return ""
	}
	t.made[name] = b.String()
	t.find(Translated, d.setting, "", "sql:$config_directory/%s, made of these settings", name)
	return "sql:$config_directory/" + name
}
