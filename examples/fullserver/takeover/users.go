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
	if spec := t.oauth24(); spec != "" {
		pass, plain = append(pass, spec), ""
	}
	t.databases()
	if len(pass) == 0 && !slices.ContainsFunc(t.Findings, func(f Finding) bool { return f.Kind == Blocks && f.Param == "passdb" }) {
		t.find(Blocks, setting{said: "passdb", param: "passdb"}, "", "there is no passdb: nobody can log in")
	}
	if len(t.model.userdbs) == 0 && len(pass) > 0 {
		user, plain = append(user, "{ "+t.static(&database{setting: setting{said: "userdb (there is none: all are the same)", param: "userdb"}, driver: "static"})+" }"), ""
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
	if d.driver != "static" || kind == "passdb" && !d.says("noauthenticate") {
		t.fields(d, kind)
	}
	switch d.driver {
	case "passwd-file":
		return t.passwdFile(d)
	case "sql":
		if t.v24 && d.args == "" {
			return t.sql24(d, kind)
		}
		t.find(Translated, s, "", "%s = sql:%s", kind, d.args)
		return "sql:" + dollars(d.args)
	case "ldap":
		if t.v24 && d.args == "" {
			return t.ldap24(d, kind)
		}
		t.find(Translated, s, "", "%s = ldap:%s", kind, d.args)
		return "ldap:" + dollars(d.args)
	case "oauth2":
		if t.v24 && d.args == "" {
			t.grant24(d)
			return ""
		}
		t.find(Translated, s, "", "passdb = oauth2:%s", d.args)
		return "oauth2:" + dollars(d.args)
	case "static":
		if kind == "passdb" && d.says("noauthenticate") && d.option("password") == "" && !d.says("nopassword") { // it only changes names
			t.same(s, "names are in lower case here")
			return ""
		}
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

// whenAsked are options about when a source is asked, and what its answer means.
var whenAsked = []string{"deny", "master", "pass", "skip", "result_success", "result_failure", "result_internalfail", "mechanisms", "username", "auth_username_format"}

// options are those in braces behind a source.
func (t *translation) options(d *database) string {
	var b strings.Builder
	inFile := t.v24 && d.args == "" && d.driver == "ldap" // what isn't about when it is asked
	for _, o := range d.options {
		name := strings.TrimSuffix(o.name, "_filter")
		if inFile && !slices.Contains(whenAsked, name) {
			continue
		}
		switch name {
		case "driver", "args", "passwd_file_path", "default_password_scheme", "auth_verbose", "name", "query", "iterate_query", "update_query", "sql_driver", "use_worker", "use_cache", "fields_import_all":
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
