package takeover

import (
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/doveconf"
)

// model is a configuration of Dovecot's in the terms of 2.3.
type model struct {
	settings   []setting
	plugin     []setting
	passdbs    []database
	userdbs    []database
	namespaces []*doveconf.Section
	services   []*doveconf.Section
	filters    []*doveconf.Section // local, remote and local_name
	sql        []*doveconf.Section // 2.4: how to reach the databases
	oauth2     []*doveconf.Section // 2.4: what is done with tokens
}

// database is a passdb or userdb.
type database struct {
	setting // its beginning, for reports
	driver  string
	args    string
	fields  []setting // default_fields and override_fields; of a static userdb, what everybody has
	iterate []setting // iterate_fields
	options []setting
	section *doveconf.Section
}

func (d *database) option(name string) string {
	for _, o := range slices.Backward(d.options) {
		if o.name == name {
			return o.value
		}
	}
	return ""
}

// says reports whether a field is set to yes.
func (d *database) says(field string) bool {
	return slices.ContainsFunc(d.fields, func(f setting) bool {
		return f.name == field && (strings.HasPrefix(f.value, "y") || f.value == "")
	})
}

// lists are sections of 2.4 that say "name = yes" for what 2.3 has in one line.
var lists = map[string]bool{"protocols": true, "mail_plugins": true, "auth_mechanisms": true, "imap_capability": true, "imap_client_workarounds": true,
	"pop3_client_workarounds": true, "lmtp_client_workarounds": true, "mechanisms_filter": true, "auth_username_chars": true, "login_trusted_networks": true, "listen": true,
	"ldap_auth_sasl_mechanisms": true, "oauth2_scope": true, "oauth2_issuers": true}

// renamed are settings of 2.4 by their names in 2.3.
var renamed = map[string]string{
	"auth_default_domain": "auth_default_realm", "ssl_server_cert_file": "ssl_cert", "ssl_server_key_file": "ssl_key", "ssl_server_alt_cert_file": "ssl_alt_cert",
	"ssl_server_alt_key_file": "ssl_alt_key", "ssl_server_ca_file": "ssl_ca", "ssl_server_dh_file": "ssl_dh", "ssl_server_key_password": "ssl_key_password",
	"ssl_server_prefer_ciphers": "ssl_prefer_server_ciphers", "ssl_server_require_crl": "ssl_require_crl", "ssl_server_request_client_cert": "ssl_verify_client_cert",
	"ssl_server_cert_username_field": "ssl_cert_username_field", "ssl_client_cert_file": "ssl_client_cert", "ssl_client_key_file": "ssl_client_key",
	"auth_ssl_require_client_cert": "auth_ssl_require_client_cert", "mail_compress_write_method": "zlib_save", "mail_ext_attachment_path": "mail_attachment_dir",
	"lazy_expunge_mailbox": "lazy_expunge", "default_idle_kill_interval": "default_idle_kill",
}

// named are sections of 2.4 whose settings have the section's name in front when they are written in full.
func named(kind string) bool {
	for _, prefix := range []string{"ssl_server", "ssl_client", "auth_policy", "quota", "sieve", "fts", "acl", "language", "event_exporter", "metric", "mail_ext_attachment",
		"mail_attribute", "doveadm", "dict", "oauth2", "imapc", "pop3c", "push_notification", "crypt", "lazy_expunge", "trash", "imap_quota", "http", "imap", "pop3", "lmtp", "fs", "layout", "maildir", "mail_compress", "stats"} {
		if kind == prefix || strings.HasPrefix(kind, prefix+"_") {
			return true
		}
	}
	return false
}

// read takes a file apart.
func (t *translation) read(f *doveconf.File) {
	t.plain(&f.Root, "")
	for _, s := range f.Root.Sections {
		switch s.Kind {
		case "passdb", "userdb":
			d := t.database(s)
			if s.Kind == "passdb" {
				t.model.passdbs = append(t.model.passdbs, d)
			} else {
				t.model.userdbs = append(t.model.userdbs, d)
			}
		case "namespace":
			t.model.namespaces = append(t.model.namespaces, s)
		case "service":
			t.model.services = append(t.model.services, s)
		case "local", "remote", "local_name":
			t.model.filters = append(t.model.filters, s)
		case "plugin":
			for _, v := range s.All() {
				t.model.plugin = append(t.model.plugin, t.as(v, "", ""))
			}
		case "protocol":
			t.plain(s, s.Name)
			for _, inner := range s.Sections {
				t.inner(inner, s.Name)
			}
		case "mysql", "pgsql", "sqlite":
			t.model.sql = append(t.model.sql, s)
		case "mailbox": // of every namespace
			for _, v := range s.Settings {
				t.model.settings = append(t.model.settings, t.as(v, "mailbox_", ""))
			}
			for _, inner := range s.Sections {
				t.inner(inner, "")
			}
		case "oauth2":
			t.model.oauth2 = append(t.model.oauth2, s)
		default:
			t.inner(s, "")
		}
	}
	if t.v24 {
		t.location24()
	}
}

// plain takes a section's own settings.
func (t *translation) plain(s *doveconf.Section, protocol string) {
	for _, v := range s.Settings {
		t.model.settings = append(t.model.settings, t.as(v, "", protocol))
	}
}

// inner takes a section that only 2.4 has, or one that nobody knows.
func (t *translation) inner(s *doveconf.Section, protocol string) {
	if lists[s.Kind] && s.Name == "" {
		value := listed(s)
		t.model.settings = append(t.model.settings, setting{name: s.Kind, value: value, said: s.Kind + " { " + value + " }", line: s.Line, protocol: protocol})
		return
	}
	prefix := s.Kind + " "
	if named(s.Kind) {
		prefix = s.Kind + "_"
	}
	if len(s.Settings)+len(s.Sections) == 0 {
		t.model.settings = append(t.model.settings, setting{name: strings.TrimSpace(prefix), said: s.Title() + " { }", line: s.Line, protocol: protocol})
	}
	for in, v := range s.All() {
		x := t.as(v, prefix, protocol)
		x.said = strings.Join(append([]string{s.Title()}, in...), " / ") + " / " + x.said
		t.model.settings = append(t.model.settings, x)
	}
}

// listed is what a section says of "name = yes", in one line.
func listed(s *doveconf.Section) string {
	var on []string
	for _, v := range s.Settings {
		if v.Value == "yes" {
			on = append(on, v.Name)
		}
	}
	return strings.Join(on, " ")
}

// as is a setting in the terms of 2.3. prefix is what stands before its name in full.
func (t *translation) as(v doveconf.Setting, prefix, protocol string) setting {
	s := setting{name: v.Name, value: v.Value, said: v.Name + " = " + v.Value, line: v.Line, hidden: v.Hidden, protocol: protocol}
	if prefix != "" && !strings.HasPrefix(v.Name, prefix) {
		s.name = prefix + v.Name
	}
	if secret(s.name) || s.hidden {
		s.said = v.Name + " = …"
	}
	if !t.v24 {
		return s
	}
	if old := renamed[s.name]; old != "" {
		s.name = old
	}
	if s.name == "auth_allow_cleartext" {
		s.name = "disable_plaintext_auth"
		s.value = map[string]string{"yes": "no", "no": "yes"}[s.value]
	}
	return s
}

// secret reports whether a setting's value is nothing for a report.
func secret(name string) bool {
	return strings.Contains(name, "password") && !strings.Contains(name, "scheme") && !strings.HasSuffix(name, "_query") || strings.HasSuffix(name, "_api_key") || strings.HasSuffix(name, "nonce") || strings.HasSuffix(name, "client_secret")
}

// database takes a passdb or userdb. In 2.4 its name is that of the driver, unless it says otherwise.
func (t *translation) database(s *doveconf.Section) database {
	d := database{driver: s.Value("driver"), args: s.Value("args"), section: s}
	if d.driver == "" {
		d.driver = s.Name
	}
	d.setting = setting{said: strings.TrimSpace(s.Kind + " " + d.driver + " " + d.args), line: s.Line, param: s.Kind}
	for in, v := range s.All() {
		o := t.as(v, "", "")
		o.name = d.short(s.Kind, o.name)
		section := strings.Join(in, " ")
		switch d.short(s.Kind, section) {
		case "fields":
			d.fields = append(d.fields, setting{name: v.Name, value: v.Value, said: s.Title() + ": " + o.said, line: v.Line})
			continue
		case "iterate_fields":
			d.iterate = append(d.iterate, setting{name: v.Name, value: v.Value, line: v.Line})
			continue
		case "mechanisms_filter":
			o.name, o.value = "mechanisms", strings.TrimSpace(d.option("mechanisms")+" "+v.Name)
		case "auth_sasl_mechanisms":
			o.name, o.value = "auth_sasl_mechanisms", v.Name
		case "ssl_client":
			o.name = t.as(v, "ssl_client_", "").name
		case "":
			if o.name == "default_fields" || o.name == "override_fields" {
				d.fields = append(d.fields, d.words(o.value, o.line)...)
				continue
			}
		default:
			o.name = section + " " + o.name
		}
		d.options = append(d.options, o)
	}
	if t.v24 && d.args == "" {
		d.args = d.option("passwd_file_path")
	}
	if d.driver == "static" {
		d.fields = append(d.words(d.args, d.line), d.fields...)
	}
	return d
}

// short is a name without the kind and the driver that 2.4 may put in front.
func (d *database) short(kind, name string) string {
	name = strings.TrimPrefix(name, kind+"_")
	if d.driver == "ldap" || d.driver == "sql" && name != "sql_driver" {
		name = strings.TrimPrefix(name, d.driver+"_")
	}
	return name
}

// words are the fields of 2.3's "uid=vmail home=/var/vmail/%u".
func (d *database) words(text string, line int) (out []setting) {
	for f := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(f, "=")
		out = append(out, setting{name: name, value: value, said: d.said + ": " + f, line: line})
	}
	return out
}
