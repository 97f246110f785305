package takeover

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokens24(t *testing.T) {
	tr := Translate(fromCorpus(t, "2.4/tokens"), "an.example")
	require.Equal(t, "{ passwd-file:/etc/dovecot/users mechanisms=plain,login }, oauth2:$config_directory/dovecot-oauth2.conf.ext", tr.value("passdb"))
	require.Equal(t, "{ static:home=/srv/mail/%u }", tr.value("userdb"), "there is none, and mail_home")
	require.Equal(t, "plain login oauthbearer xoauth2", tr.value("auth_mechanisms"))
	require.Equal(t, `introspection_mode = local
client_id = dovecot
client_secret = 5ecret
scope = mail
issuers = https://id.an.example/realms/an
username_attribute = preferred_username
openid_configuration_url = https://id.an.example/realms/an/.well-known/openid-configuration
local_validation_key_dict = fs:posix:prefix=/etc/dovecot/keys/
username_validation_format = %u
timeout_msecs = 5000
`, tr.Made["dovecot-oauth2.conf.ext"])
	for _, x := range tr.Findings {
		require.NotContains(t, x.What+x.Text+x.Do, "5ecret")
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "users"), []byte("u@an.example:{PLAIN}x\n"), 0o600))
	opened(t, tr, "/etc/dovecot/users", dir+"/users", "/etc/dovecot/keys/", dir+"/")
}

// What 2.4 may say of tokens, in the ways that it may say it.
func TestTokens24Forms(t *testing.T) {
	const users = "passdb passwd-file {\n  passwd_file_path = /etc/dovecot/users\n}\nuserdb passwd-file {\n  passwd_file_path = /etc/dovecot/users\n}\n"
	const on = users + "auth_mechanisms = plain xoauth2\n"
	const local = "  introspection_mode = local\n  oauth2_local_validation {\n    dict fs {\n      fs posix {\n        prefix = /keys/\n      }\n    }\n  }\n"
	for _, c := range []struct{ text, want, blocks string }{
		{on + "oauth2 {\n" + local + "}\n", "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=/keys/\nusername_validation_format = %u\n", ""},
		{on + "oauth2 {\n  introspection_mode = auth\n  tokeninfo_url = https://www.googleapis.com/oauth2/v3/tokeninfo?access_token=\n  introspection_url = https://www.googleapis.com/oauth2/v2/userinfo\n  force_introspection = yes\n  username_attribute = email\n}\n",
			"introspection_mode = auth\ntokeninfo_url = https://www.googleapis.com/oauth2/v3/tokeninfo?access_token=\nintrospection_url = https://www.googleapis.com/oauth2/v2/userinfo\nusername_attribute = email\nforce_introspection = yes\n", ""},
		// The names in full, outside of a section; lists as sections; certificates of a client.
		{on + "oauth2_introspection_mode = post\noauth2_introspection_url = https://client:5ecret@id.example/introspect\noauth2_active_attribute = active\noauth2_active_value = true\nssl_client_ca_file = /etc/ssl/certs/ca.pem\n",
			"introspection_mode = post\nintrospection_url = https://client:5ecret@id.example/introspect\nactive_attribute = active\nactive_value = true\nusername_validation_format = %u\ntls_ca_cert_file = /etc/ssl/certs/ca.pem\n", ""},
		{on + "oauth2 {\n" + local + "  scope {\n    mail = yes\n    web = no\n  }\n  issuers {\n    https://a.example = yes\n    https://b.example = yes\n  }\n  fields {\n    user = %{oauth2:sub}@an.example\n    pass = %{token}\n  }\n}\n",
			"scope = mail\nissuers = https://a.example https://b.example\nlocal_validation_key_dict = fs:posix:prefix=/keys/\nusername_validation_format = %u\npass_attrs = user=%{oauth2:sub}@an.example\n", ""},
		{on + "oauth2 {\n" + local + "  username_validation_format = %{user | username}@an.example\n  http_client {\n    request_timeout = 20s\n    rawlog_dir = /tmp\n  }\n  ssl_client {\n    ca_file = /ca.pem\n  }\n  send_auth_headers = yes\n}\n",
			"username_validation_format = %n@an.example\ntls_ca_cert_file = /ca.pem\ntimeout_msecs = 20000\n", ""},
		{users + "oauth2 {\n  introspection_mode = local\n}\n", "", ""},                                                            // nobody offers the mechanisms
		{on + "oauth2 {\n" + local + "}\npassdb oauth2 {\n  mechanisms_filter = xoauth2\n}\n", "introspection_mode = local\n", ""}, // as 2.3 needed it
		{on + "oauth2 {\n  client_id = x\n}\n", "", "introspection_mode"},
		{on + "oauth2 {\n  introspection_mode = local\n}\n", "", "where the keys are"},
		{on + "oauth2 {\n  introspection_mode = local\n  oauth2_local_validation {\n    dict redis {\n      socket_path = /r\n    }\n  }\n}\n", "", "files alone"},
		{on + "oauth2 {\n" + strings.Replace(local, "/keys/", "/keys", 1) + "}\n", "", "files alone"},
		{on + "oauth2 {\n" + local + "  scope = mail imap\n}\n", "", "several scopes"},
		{on + "oauth2 {\n" + local + "  client_secret = # hidden, use -P to show it\n}\n", "", "hidden"},
		{on + "oauth2 {\n" + local + "  ssl_client_require_valid_cert = no\n}\n", "", "certificate"},
		{on + "oauth2 {\n" + local + "  username_validation_format = %{user | sha1}\n}\n", "", "sha1"},
		{on + "oauth2 {\n" + local + "  fields {\n    proxy = y\n    host = 127.0.0.1\n  }\n}\n", "", "another server"},
		{on + "oauth2 {\n" + local + "  grant_url = https://id.example/token\n  client_id = a\n  client_secret = 5ecret\n}\npassdb oauth2 {\n  mechanisms_filter = plain login\n}\n", "", "grant_url"},
	} {
		f := parsed(t, "n", head24+c.text)
		tr := Translate(f, "an.example")
		accounted(t, f, tr.Findings)
		for _, x := range tr.Findings {
			require.NotContains(t, x.Text, "isn't known", c.text)
			require.NotContains(t, x.What+x.Text+x.Do, "= 5ecret")
			require.True(t, x.Kind != Blocks || x.Param == "passdb" && x.Do != "", "%+v", x)
		}
		if c.blocks != "" {
			require.Contains(t, blocked(tr), c.blocks, c.text)
			continue
		}
		require.Empty(t, blocked(tr), c.text)
		require.Contains(t, tr.Made["dovecot-oauth2.conf.ext"], c.want, c.text)
		require.Equal(t, c.want != "", strings.Contains(tr.value("passdb"), "oauth2:$config_directory/"), c.text)
		if strings.Contains(c.text, ".pem") {
			continue
		}
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "users"), []byte("u@an.example:{PLAIN}x\n"), 0o600))
		opened(t, tr, "/etc/dovecot/users", dir+"/users", "/keys/", dir+"/")
	}
}

// Tokens may be all that there is.
func TestTokensAlone24(t *testing.T) {
	tr := Translate(parsed(t, "n", head24+"auth_mechanisms = oauthbearer\noauth2 {\n  introspection_mode = auth\n  introspection_url = https://id.example/me\n}\nuserdb static {\n  fields {\n    home = /v/%{user}\n    allow_all_users = yes\n  }\n}\n"), "an.example")
	require.Equal(t, "oauth2:$config_directory/dovecot-oauth2.conf.ext", tr.value("passdb"))
	opened(t, tr)
	tr = Translate(parsed(t, "n", head24+"auth_mechanisms = plain\npassdb oauth2 {\n  mechanisms_filter = xoauth2\n}\nmail_home = /v/%{user}\n"), "an.example")
	require.Contains(t, blocked(tr), "nobody can log in")
}
