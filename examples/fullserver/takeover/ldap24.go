package takeover

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ldapConnection are settings of 2.4's with their names in a file of 2.3's.
var ldapConnection = [][2]string{{"auth_dn", "dn"}, {"auth_dn_password", "dnpass"}, {"base", "base"}, {"scope", "scope"}, {"deref", "deref"}, {"ssl_client_ca_file", "tls_ca_cert_file"},
	{"ssl_client_cert", "tls_cert_file"}, {"ssl_client_key", "tls_key_file"}}

// ldap24 writes a file of what a passdb or userdb ldap of 2.4 says. Each has one of its own, for in 2.4 they may differ in anything; those who ask the same directory as
// the same user share its connections all the same.
func (t *translation) ldap24(d *database, kind string) string {
	about := d.setting
	get := func(name string) string { return t.of(d, kind, name).value }
	blocked := func(do, format string, args ...any) string {
		t.find(Blocks, about, do, format, args...)
		return ""
	}
	uris := get("uris")
	switch {
	case uris == "":
		return blocked("", "nothing says which directory it is (ldap_uris)")
	case t.hiddenOne(about, t.of(d, kind, "auth_dn_password")):
		return ""
	case get("auth_sasl_mechanism")+get("auth_sasl_mechanisms") != "":
		return blocked("set ldap_auth_dn and ldap_auth_dn_password instead, which Dovecot works with, too", "the directory is asked as somebody with a password, never by SASL")
	case get("version") != "" && get("version") != "3":
		return blocked("take ldap_version out", "only version 3 of LDAP is spoken")
	case get("base") == "":
		return blocked("", "nothing says where in the directory to look (ldap_base)")
	}
	c := new(confExt)
	c.set("uris", uris)
	for _, name := range ldapConnection {
		value := get(name[0])
		if name[0] == "base" {
			var err error
			if value, err = t.expand(value, "undU", nil); err != nil {
				return blocked("", "ldap_base: %v", err)
			}
		}
		c.put(name[1], value)
	}
	if get("starttls") == "yes" {
		c.set("tls", "yes")
	}
	if get("ssl_client_require_valid_cert") == "no" {
		c.set("tls_require_cert", "never")
	}
	if dir := get("ssl_client_ca_dir"); dir != "" && dir != "/etc/ssl/certs" && get("ssl_client_ca_file") == "" {
		t.find(Differs, about, "if the directory's certificate is by an authority of your own: ssl_client_ca_file, with which Dovecot works, too", "the authorities in %s aren't read; the system's are", dir)
	}
	if err := t.ldapSearch(d, kind, c); err != nil {
		return blocked("write it otherwise, with %{user} and %{ldap:attribute}, or a file as docs/accounts.md has them, and -set "+kind+"=ldap:FILE", "%v", err)
	}
	file := t.keep("dovecot-ldap-"+kind, c)
	t.find(Translated, about, "", "%s = ldap:%s, made of these settings", kind, file)
	return "ldap:" + file
}

// ldapSearch writes what is searched for, and what becomes of it.
func (t *translation) ldapSearch(d *database, kind string, c *confExt) error {
	filter, err := t.query(t.of(d, kind, "filter").value, kind)
	if err != nil {
		return err
	}
	attrs, err := t.ldapFields(d, kind)
	if err != nil {
		return err
	}
	who := "user"
	if kind == "passdb" {
		who = "pass"
		bind := t.of(d, kind, "bind").value == "yes"
		if bind {
			c.set("auth_bind", "yes")
		} else {
			c.put("default_pass_scheme", t.of(d, kind, "default_password_scheme").value)
		}
		dn, err := t.expand(t.of(d, kind, "bind_userdn").value, "undU", nil)
		if err != nil {
			return err
		}
		if c.put("auth_bind_userdn", dn); bind && dn != "" {
			return nil // nothing is searched for
		}
	}
	if filter == "" {
		return errors.New("nothing says how a user is found (filter)")
	}
	c.set(who+"_filter", filter)
	c.set(who+"_attrs", strings.Join(attrs, ", "))
	return t.ldapList(d, kind, filter, attrs, c)
}

// compared is a part of a filter in which an attribute is compared with the user's name.
var compared = regexp.MustCompile(`\(([A-Za-z][A-Za-z0-9;.-]*)=([^()]*%U?[und][^()]*)\)`)

// ldapList writes how users are listed. Where 2.4 says nothing of that, they are those whom the filter may find.
func (t *translation) ldapList(d *database, kind, filter string, attrs []string, c *confExt) error {
	all, err := t.expand(t.of(d, kind, "iterate_filter").value, "", nil)
	if err != nil {
		return err
	}
	if all == "" {
		if all = compared.ReplaceAllString(filter, "($1=*)"); strings.Contains(strings.ReplaceAll(all, "%%", ""), "%") {
			return errors.New("nothing says how users are listed (iterate_filter)")
		}
		if kind == "userdb" {
			t.find(Differs, d.setting, "", "Dovecot has no list of these users (iterate_filter); here they are those who fit %s", all)
		}
	}
	c.set("iterate_filter", all)
	name := ""
	for _, f := range d.iterate {
		if attr, text, err := t.ldapValue("user", f.value); err == nil && f.name == "user" {
			if name = attr + "=user"; attr == "" {
				name = "=user=" + text
			}
		}
	}
	if name == "" {
		if i := slices.IndexFunc(attrs, func(a string) bool { return strings.HasSuffix(a, "=user") }); i >= 0 {
			name = attrs[i]
		} else if m := compared.FindStringSubmatch(filter); m != nil {
			name = m[1] + "=user"
		}
	}
	if name == "" {
		return errors.New("nothing says what a user is called in a list (iterate_fields)")
	}
	c.set("iterate_attrs", name)
	return nil
}

// ldapUsed are the fields that are something here.
var ldapUsed = map[string][]string{"passdb": {"user", "username", "domain", "password", "nopassword", "nologin", "allow_nets"},
	"userdb": {"user", "home", "quota_rule", "quota_storage_size", "quota_message_count", "imap_capability"}}

// ldapFields are "attribute=field" and "=field=text" for the fields that are something here. The others were spoken of by fields.
func (t *translation) ldapFields(d *database, kind string) (out []string, err error) {
	for _, f := range d.fields {
		name, _, usual := strings.Cut(f.name, ":") // "home:default"
		if !slices.Contains(ldapUsed[kind], name) || strings.HasPrefix(name, "quota_") && !strings.Contains(f.value, "%{ldap") {
			continue
		}
		if usual && slices.ContainsFunc(d.fields, func(o setting) bool { return o.name == name }) {
			t.find(Differs, f, "write it as %{ldap:attribute:"+f.value+"}", "isn't used where the directory has no value")
			continue
		}
		attr, text, err := t.ldapValue(name, f.value)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.name, err)
		case attr != "":
			out = append(out, attr+"="+name)
		default:
			out = append(out, "="+name+"="+text)
		}
	}
	return out, nil
}

// ldapValue is the attribute that a field's value is, or the text that it is made of. Names are in lower case, whatever they are made of.
func (t *translation) ldapValue(field, value string) (attr, text string, err error) {
	if inner, ok := strings.CutPrefix(value, "%{ldap:"); ok && strings.Count(value, "%") == 1 {
		if inner, ok = strings.CutSuffix(inner, "}"); ok {
			if field == "user" || field == "username" || field == "domain" {
				inner = strings.TrimSuffix(strings.ReplaceAll(inner, " ", ""), "|lower")
			}
			if attributeName(inner) {
				return inner, "", nil
			}
		}
	}
	text, err = t.expand(value, "undU", func(inner string) (string, error) {
		name, ok := strings.CutPrefix(inner, "ldap:")
		if !ok {
			return "", nil
		}
		attr, usual, _ := strings.Cut(name, ":")
		if bare, filter, ok := strings.Cut(attr, "|"); ok {
			if attr = strings.TrimSpace(bare); usual != "" {
				return "", fmt.Errorf("the variable %%{%s} isn't here", inner)
			}
			quoted, isDefault := strings.CutPrefix(strings.TrimSpace(filter), "default(")
			if quoted, ok = strings.CutSuffix(quoted, ")"); !isDefault || !ok {
				return "", fmt.Errorf("the variable %%{%s} isn't here", inner)
			}
			usual = strings.Trim(quoted, `"'`)
		}
		if !attributeName(attr) {
			return "", fmt.Errorf("the variable %%{%s} isn't here", inner)
		}
		if usual != "" {
			attr += ":" + usual
		}
		return "%{ldap:" + attr + "}", nil
	})
	if err == nil && strings.Contains(text, ",") {
		err = fmt.Errorf("%q has a comma, which can't be written here", value)
	}
	return "", text, err
}

// attributeName reports whether s is an attribute's name (RFC 4512 section 2.5).
func attributeName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != ';' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// ldapSetting is one that holds for every source that asks a directory.
func (t *translation) ldapSetting(s setting) {
	if !slices.ContainsFunc(slices.Concat(t.model.passdbs, t.model.userdbs), func(d database) bool { return d.driver == "ldap" }) {
		t.find(Differs, s, "", "isn't used: no passdb or userdb asks a directory")
		return
	}
	switch s.name {
	case "ldap_connection_group", "ldap_debug_level":
		t.same(s, "connections are shared, and kept apart from those of users whose passwords are tried")
	default:
		t.find(Translated, s, "", "is in the files that are made of passdb and userdb ldap")
	}
}
