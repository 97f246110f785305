package takeover

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/doveconf"
)

// tokens are the settings of 2.4's oauth2 { }, in short, with what is in the sections within.
type tokens struct {
	settings []setting
	fields   []setting
	keys     *doveconf.Section // local_validation { }
}

func (k *tokens) value(name string) string {
	for _, s := range slices.Backward(k.settings) {
		if s.name == name {
			return s.value
		}
	}
	return ""
}

// tokenMechanisms are those that need them.
var tokenMechanisms = []string{"oauthbearer", "xoauth2"}

// oauth24 writes a file of what 2.4 says of tokens, and returns the passdb that it is here. There it is none: whoever offers the mechanisms has the section.
func (t *translation) oauth24() string {
	if !t.v24 {
		return ""
	}
	k, about := t.tokens()
	if len(k.settings)+len(k.fields) == 0 && k.keys == nil {
		return ""
	}
	offered := strings.Fields(strings.ToLower(t.value("auth_mechanisms")))
	if !slices.ContainsFunc(offered, func(m string) bool { return slices.Contains(tokenMechanisms, m) }) {
		t.same(about, "isn't used: neither oauthbearer nor xoauth2 is in auth_mechanisms")
		return ""
	}
	c := new(confExt)
	if err := t.tokenFile(k, c); err != nil {
		t.find(Blocks, about, "write a file as docs/accounts.md has it under \"Tokens\", and name it by -set passdb=…, with the other sources", "%v", err)
		return ""
	}
	file := t.keep("dovecot-oauth2", c)
	t.find(Translated, about, "", "passdb = oauth2:%s, made of these settings", file)
	if cmp.Or(k.value("username_attribute"), "email") == "email" {
		t.find(Differs, about, "", "a token that says email_verified: false opens nothing")
	}
	return "oauth2:" + file
}

// tokens collects what is said of them, and where.
func (t *translation) tokens() (*tokens, setting) {
	k, about := &tokens{}, setting{said: "oauth2", param: "passdb"}
	for _, s := range t.model.settings {
		if name, ok := strings.CutPrefix(s.name, "oauth2_"); ok {
			if about.line == 0 {
				about.line = s.line
			}
			s.name = name
			k.settings = append(k.settings, s)
			t.find(Translated, s, "", "is part of oauth2")
		}
	}
	for _, s := range t.model.oauth2 {
		about.line = s.Line
		k.take(t, s)
	}
	return k, about
}

// take takes a section.
func (k *tokens) take(t *translation, s *doveconf.Section) {
	short := func(name string) string { return strings.TrimPrefix(name, "oauth2_") }
	for _, v := range s.Settings {
		x := t.as(v, "", "")
		x.name = short(x.name)
		k.settings = append(k.settings, x)
	}
	for _, in := range s.Sections {
		switch name := short(in.Kind); name {
		case "scope", "issuers":
			k.settings = append(k.settings, setting{name: name, value: listed(in), line: in.Line})
		case "fields":
			for _, v := range in.Settings {
				k.fields = append(k.fields, setting{name: v.Name, value: v.Value, said: "oauth2: " + v.Name + " = " + v.Value, line: v.Line, param: "passdb"})
			}
		case "local_validation":
			k.keys = in
		case "http_client", "ssl_client":
			for _, v := range in.Settings {
				k.settings = append(k.settings, t.as(v, name+"_", ""))
			}
		default:
			t.find(Differs, setting{said: "oauth2 / " + in.Title(), line: in.Line}, "look whether you need it", "isn't carried over")
		}
	}
}

// tokenFile writes the file.
func (t *translation) tokenFile(k *tokens, c *confExt) error {
	mode := k.value("introspection_mode")
	switch {
	case mode == "":
		return errors.New("nothing says how tokens are checked (introspection_mode)")
	case slices.ContainsFunc(k.settings, func(s setting) bool { return s.hidden }):
		return errors.New("a password is hidden: make the file with doveconf -N -P")
	case t.tokenTLS(k, "ssl_client_require_valid_cert") == "no":
		return errors.New("the certificate of the server that is asked must be good: whoever answers in its place would let anybody in. Name its authority in ssl_client_ca_file")
	case strings.Contains(k.value("scope"), " "):
		return errors.New("with several scopes one is enough in Dovecot, and here a token needs all: name the one that all tokens have")
	}
	c.set("introspection_mode", mode)
	for _, name := range []string{"tokeninfo_url", "introspection_url", "client_id", "client_secret", "scope", "issuers", "username_attribute", "active_attribute", "active_value",
		"force_introspection", "openid_configuration_url"} {
		c.put(name, k.value(name))
	}
	if mode == "local" {
		dir, err := keyDir(k.keys)
		if err != nil {
			return err
		}
		c.set("local_validation_key_dict", "fs:posix:prefix="+dir)
		if k.value("openid_configuration_url") != "" {
			t.find(Differs, setting{said: "oauth2: openid_configuration_url", line: lineOf(k, "openid_configuration_url")}, "", "the keys that are published there are good, too, beside those in %s", dir)
		}
	}
	format, err := t.expand(cmp.Or(k.value("username_validation_format"), "%{user}"), "und", nil)
	if err != nil {
		return fmt.Errorf("username_validation_format: %w", err)
	}
	c.set("username_validation_format", format)
	for _, name := range [][2]string{{"ssl_client_ca_file", "tls_ca_cert_file"}, {"ssl_client_cert", "tls_cert_file"}, {"ssl_client_key", "tls_key_file"}} {
		c.put(name[1], t.tokenTLS(k, name[0]))
	}
	if wait, err := time.ParseDuration(strings.ReplaceAll(k.value("http_client_request_timeout"), " ", "")); err == nil && wait > 0 {
		c.set("timeout_msecs", fmt.Sprint(min(wait, 10*time.Minute).Milliseconds()))
	}
	return t.tokenFields(k, c)
}

// tokenTLS is a setting of the client that asks: its own, or that of all clients.
func (t *translation) tokenTLS(k *tokens, name string) string {
	return cmp.Or(k.value(name), t.value(name))
}

func lineOf(k *tokens, name string) int {
	for _, s := range k.settings {
		if s.name == name {
			return s.line
		}
	}
	return 0
}

// tokenFields writes what is made of a token's claims, and names what isn't carried over.
func (t *translation) tokenFields(k *tokens, c *confExt) error {
	var attrs []string
	for _, f := range k.fields {
		name := strings.TrimSuffix(f.name, ":default")
		if slices.Contains(barring, name) || name == "proxy_mech" {
			return fmt.Errorf("this Dovecot hands sessions on to another server (%s): import on the server that has the mailboxes", name)
		}
		text, err := t.expand(f.value, "undsr", func(inner string) (string, error) {
			claim, ok := strings.CutPrefix(inner, "oauth2:")
			if !ok || strings.ContainsAny(claim, " |") {
				return "", nil
			}
			return "%{oauth2:" + claim + "}", nil
		})
		if (name == "user" || name == "allow_nets" || name == "nologin") && err == nil && !strings.Contains(text, " ") {
			attrs = append(attrs, name+"="+text)
		} else if name == "user" || name == "allow_nets" || name == "nologin" {
			return fmt.Errorf("%s = %s can't be written here", name, f.value)
		} else {
			t.find(Differs, f, "", "isn't used")
		}
	}
	c.put("pass_attrs", strings.Join(attrs, " "))
	for _, s := range k.settings {
		s.said = "oauth2: " + s.said
		switch s.name {
		case "send_auth_headers":
			if s.value == "yes" {
				t.find(Differs, s, "", "the server that is asked isn't told where a client comes from")
			}
		case "token_expire_grace":
			t.find(Differs, s, "", "a token is good until it expires, and not longer")
		case "http_client_rawlog_dir":
			t.find(Differs, s, "", "what is asked isn't written to files: everybody's tokens would be in them")
		case "ssl_client_ca_dir":
			if s.value != "/etc/ssl/certs" {
				t.find(Differs, s, "if the server's certificate is by an authority of your own: ssl_client_ca_file", "the authorities in it aren't read; the system's are")
			}
		}
	}
	return nil
}

// keyDir is the folder of keys, of "dict fs { fs posix { prefix = /folder/ } }".
func keyDir(s *doveconf.Section) (string, error) {
	if s == nil {
		return "", errors.New("nothing says where the keys are (oauth2_local_validation)")
	}
	for d := range s.Of("dict") {
		if d.Name != "fs" && d.Value("driver")+d.Value("dict_driver") != "fs" {
			continue
		}
		for f := range d.Of("fs") {
			prefix := f.Value("prefix") + f.Value("fs_posix_prefix") + f.Value("posix_prefix")
			if (f.Name == "posix" || f.Value("driver") == "posix") && strings.HasSuffix(prefix, "/") && !strings.Contains(prefix, "%") {
				return prefix, nil
			}
		}
	}
	return "", errors.New("keys are read from files alone, \"dict fs { fs posix { prefix = /folder/ } }\" with a / at the end")
}

// grant24 is a passdb oauth2 of 2.4: passwords for which another server gives a token. Those who have written one for tokens, as 2.3 needed it, lose nothing.
func (t *translation) grant24(d *database) {
	mechanisms := strings.Fields(strings.ToLower(d.option("mechanisms") + " " + d.option("mechanisms_filter")))
	only := len(mechanisms) > 0 && !slices.ContainsFunc(mechanisms, func(m string) bool { return !slices.Contains(tokenMechanisms, m) })
	grant := t.value("oauth2_grant_url") != ""
	for _, s := range t.model.oauth2 {
		grant = grant || s.Value("grant_url")+s.Value("oauth2_grant_url") != ""
	}
	for _, v := range d.section.All() {
		grant = grant || strings.HasSuffix(v.Name, "grant_url") && v.Value != ""
	}
	if only || !grant {
		t.find(Translated, d.setting, "", "tokens are checked as oauth2 { } says")
		return
	}
	t.find(Blocks, d.setting, "give users passwords in another passdb, or have their programs log in by token; then take this passdb out", "no other server is asked whether a password is right (grant_url)")
}
