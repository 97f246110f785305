package takeover

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/peers"
)

func TestLDAP24(t *testing.T) {
	tr := Translate(fromCorpus(t, "2.4/ldap"), "an.example")
	require.Equal(t, "ldap:$config_directory/dovecot-ldap-passdb.conf.ext", tr.value("passdb"))
	require.Equal(t, "ldap:$config_directory/dovecot-ldap-userdb.conf.ext", tr.value("userdb"))
	require.Equal(t, "maildir:%h/Maildir", tr.value("mail_location"), "each home is in the directory")
	const connect = `uris = ldaps://dc1.an.example ldaps://dc2.an.example
dn = cn=dovecot,ou=services,dc=an,dc=example
dnpass = "5ec#ret\""
base = ou=people,dc=an,dc=example
tls_ca_cert_file = /etc/ssl/certs/an-ca.pem
`
	require.Equal(t, connect+`auth_bind = yes
pass_filter = (&(objectClass=inetOrgPerson)(|(uid=%n)(mail=%u)))
pass_attrs = mail=user
iterate_filter = (&(objectClass=inetOrgPerson)(|(uid=*)(mail=*)))
iterate_attrs = mail=user
`, tr.Made["dovecot-ldap-passdb.conf.ext"])
	require.Equal(t, connect+`user_filter = (&(objectClass=inetOrgPerson)(mail=%u))
user_attrs = =home=/var/vmail/%{ldap:uid}, =quota_storage_size=%{ldap:mailQuota:2}G, mail=user
iterate_filter = (&(objectClass=inetOrgPerson)(mail=*))
iterate_attrs = mail=user
`, tr.Made["dovecot-ldap-userdb.conf.ext"])
	opened(t, tr, "tls_ca_cert_file", "#")
	for _, x := range tr.Findings {
		require.NotContains(t, x.What+x.Text+x.Do, "5ec")
	}
}

// What 2.4 may say of a directory, in the ways that it may say it.
func TestLDAP24Forms(t *testing.T) {
	const where = "ldap_uris = ldap://h\nldap_base = dc=example\n"
	const pass = "passdb ldap {\n  filter = (mail=%{user})\n  bind = yes\n}\n"
	const user = "userdb static {\n  fields {\n    home = /v/%{user}\n  }\n}\n"
	for _, c := range []struct{ text, file, want, blocks string }{
		{where + pass + user, "passdb", "pass_filter = (mail=%u)\npass_attrs =\niterate_filter = (mail=*)\niterate_attrs = mail=user\n", ""},
		// The names in full, and a section of another name.
		{"passdb corp {\n  driver = ldap\n  ldap_uris = ldap://h\n  ldap_base = ou=%{user | domain},dc=example\n  passdb_ldap_filter = (uid=%{user | username | lower})\n  passdb_ldap_bind = yes\n}\n" + user, "passdb", "base = ou=%d,dc=example\nauth_bind = yes\npass_filter = (uid=%n)\n", ""},
		{where + "passdb ldap {\n  bind = yes\n  bind_userdn = cn=%{user | username},ou=people,o=org\n}\n" + user, "passdb", "auth_bind_userdn = cn=%n,ou=people,o=org\n", ""},
		{where + "passdb ldap {\n  filter = (mail=%{user})\n  default_password_scheme = SSHA\n  fields {\n    user = %{ldap:mail}\n    password = %{ldap:userPassword}\n    nologin = %{ldap:locked | default('n')}\n  }\n}\n" + user, "passdb",
			"default_pass_scheme = SSHA\npass_filter = (mail=%u)\npass_attrs = mail=user, userPassword=password, =nologin=%{ldap:locked:n}\n", ""},
		{where + "ldap_starttls = yes\nldap_scope = onelevel\nldap_deref = always\nssl_client {\n  require_valid_cert = no\n  cert_file = /c\n  key_file = /k\n}\n" + pass + user, "passdb", "scope = onelevel\nderef = always\ntls_cert_file = /c\ntls_key_file = /k\ntls = yes\ntls_require_cert = never\n", ""},
		{where + pass + "userdb ldap {\n  filter = (mail=%{user})\n  fields {\n    uid = %{ldap:uidNumber}\n    home = %{ldap:homeDirectory}\n    quota_storage_size = 1G\n  }\n}\n", "userdb", "user_attrs = homeDirectory=home\n", ""},
		{where + "passdb ldap {\n  filter = (|(mail=%{user})(phone=50%))\n  bind = yes\n}\n" + user, "passdb", "pass_filter = (|(mail=%u)(phone=50%%))\n", ""},
		{pass + user, "", "", "ldap_uris"},
		{"ldap_uris = ldap://h\n" + pass + user, "", "", "ldap_base"},
		{where + "ldap_auth_sasl_mechanism = external\n" + pass + user, "", "", "SASL"},
		{where + "ldap_auth_sasl_mechanisms {\n  gssapi = yes\n}\n" + pass + user, "", "", "SASL"},
		{where + "ldap_version = 2\n" + pass + user, "", "", "version 3"},
		{where + "ldap_auth_dn = cn=a\nldap_auth_dn_password = # hidden, use -P to show it\n" + pass + user, "", "", "hidden"},
		{where + "passdb ldap {\n  bind = yes\n}\n" + user, "", "", "how a user is found"},
		{where + "passdb ldap {\n  filter = (mail=%{user | md5})\n  bind = yes\n}\n" + user, "", "", "%{user | md5} isn't here"},
		{where + "passdb ldap {\n  filter = (mail=%{user})\n  bind = yes\n  fields {\n    host = %{ldap:mailHost}\n    proxy = y\n  }\n}\n" + user, "", "", "proxy"},
		{where + pass + "userdb ldap {\n  filter = (mail=%{user})\n  fields {\n    home = %{ldap_multi:home}\n  }\n}\n", "", "", "%{ldap_multi:home} isn't here"},
		{where + pass + "userdb ldap {\n  filter = (mail=%{user})\n  fields {\n    home = %{ldap:home | lower}\n  }\n}\n", "", "", "%{ldap:home | lower} isn't here"},
		{where + pass + "userdb ldap {\n  filter = (mail=%{user})\n  fields {\n    home = /v,w/%{ldap:uid}\n  }\n}\n", "", "", "comma"},
		{where + pass + "userdb ldap {\n  filter = (mail=%{user})\n  fields {\n    mail_path = %{ldap:mailbox}\n  }\n}\n", "", "", "said once"},
	} {
		f := parsed(t, "n", head24+c.text)
		tr := Translate(f, "an.example")
		accounted(t, f, tr.Findings)
		for _, x := range tr.Findings {
			require.NotContains(t, x.Text, "isn't known", c.text)
			require.True(t, x.Kind != Blocks || x.Param == "passdb" || x.Param == "userdb" || x.Param == "mail_location" || strings.Contains(x.What, ": "), "%+v can't be answered", x)
		}
		if c.blocks != "" {
			require.Contains(t, blocked(tr), c.blocks, c.text)
			continue
		}
		require.Empty(t, blocked(tr), c.text)
		require.Contains(t, tr.Made["dovecot-ldap-"+c.file+".conf.ext"], c.want, c.text)
		if !strings.Contains(c.text, "cert_file") {
			opened(t, tr)
		}
	}
}

// Two sources of a kind have a file each.
func TestLDAP24Two(t *testing.T) {
	tr := Translate(parsed(t, "n", head24+"ldap_base = dc=example\npassdb staff {\n  driver = ldap\n  uris = ldap://a\n  filter = (mail=%{user})\n  bind = yes\n}\npassdb students {\n  driver = ldap\n  uris = ldap://b\n  filter = (mail=%{user})\n  bind = yes\n  result_failure = return-fail\n}\nmail_home = /v/%{user}\n"), "an.example")
	require.Empty(t, blocked(tr))
	require.Equal(t, "ldap:$config_directory/dovecot-ldap-passdb.conf.ext, { ldap:$config_directory/dovecot-ldap-passdb-2.conf.ext result_failure=return-fail }", tr.value("passdb"))
	require.Contains(t, tr.Made["dovecot-ldap-passdb-2.conf.ext"], "uris = ldap://b\n")
	require.Equal(t, "{ static:home=/v/%u }", tr.value("userdb"), "Dovecot needs none where all are the same")
	opened(t, tr)
}

// A directory that is asked as 2.4's settings say knows users, their homes and passwords.
func TestLDAP24Asked(t *testing.T) {
	d := peers.Slapd(t, "dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: x\n\n"+
		"dn: cn=a,dc=example,dc=com\nobjectClass: inetOrgPerson\nobjectClass: mailthing\ncn: a\nsn: x\nuid: alice\nmail: Alice@an.example\nmailhome: /home/alice\nuserPassword: secret\n\n"+
		"dn: cn=b,dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: b\nsn: x\nuid: nobody\n")
	tr := Translate(parsed(t, "n", head24+"ldap_uris = ldap://"+d.Addr+"\nldap_base = dc=example,dc=com\n"+
		"passdb ldap {\n  filter = (|(uid=%{user | username})(mail=%{user}))\n  bind = yes\n  fields {\n    user = %{ldap:mail | lower}\n  }\n}\n"+
		"userdb ldap {\n  filter = (mail=%{user})\n  fields {\n    home = %{ldap:mailhome}\n    quota_storage_size = %{ldap:quota:3}G\n  }\n}\n"), "an.example")
	a := opened(t, tr)
	who := func(name, password string) error {
		_, err := a.Authenticator("plain").Authenticate(t.Context(), &mail.AuthRequest{Username: name, Password: password, Service: "imap"})
		return err
	}
	require.NoError(t, who("alice@an.example", "secret"))
	require.NoError(t, who("alice", "secret"))
	require.ErrorIs(t, who("alice", "wrong"), mail.ErrAuthFailed)
	require.ErrorIs(t, who("*", "secret"), mail.ErrAuthFailed)
	u, err := a.Lookup(t.Context(), "alice@an.example")
	require.NoError(t, err)
	require.Equal(t, "/home/alice", u.Home)
	require.Equal(t, "3G", u.Extra("userdb_quota_storage_size"))
	names, err := a.Users(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"alice@an.example"}, names)
}
