package takeover

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/doveconf"
	"github.com/stretchr/testify/require"
)

const corpus = "../doveconf/testdata/"

func parsed(t testing.TB, name, text string) *doveconf.File {
	t.Helper()
	f, err := doveconf.Parse(name, strings.NewReader(text), doveconf.Limits{})
	require.NoError(t, err)
	return f
}

func fromCorpus(t testing.TB, name string) *doveconf.File {
	t.Helper()
	text, err := os.ReadFile(corpus + name + ".txt")
	require.NoError(t, err)
	return parsed(t, name, string(text))
}

// accounted wants each setting to have a finding: at its line, or at that of a section that it is in.
func accounted(t *testing.T, f *doveconf.File, found Findings) {
	t.Helper()
	lines := map[string]bool{}
	for _, x := range found {
		require.NotEmpty(t, x.Text, "%+v", x)
		lines[x.Where] = true
	}
	var walk func(s *doveconf.Section, covered bool)
	walk = func(s *doveconf.Section, covered bool) {
		at := func(n int) bool { return lines[fmt.Sprintf("%s, line %d", f.Name, n)] }
		covered = covered || s.Line > 0 && at(s.Line)
		for _, v := range s.Settings {
			require.True(t, covered || at(v.Line), "nothing is said of line %d: %s %s = %s", v.Line, s.Title(), v.Name, v.Value)
		}
		for _, c := range s.Sections {
			walk(c, covered)
		}
	}
	walk(&f.Root, false)
}

func TestEverySettingHasAWord(t *testing.T) {
	files, err := filepath.Glob(corpus + "2.*/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 13)
	for _, file := range files {
		f := fromCorpus(t, strings.TrimSuffix(strings.TrimPrefix(file, corpus), ".txt"))
		tr := Translate(f, "an.example")
		accounted(t, f, tr.Findings)
		for _, x := range tr.Findings {
			require.NotContains(t, x.Text, "isn't known", "%s: %+v", file, x)
		}
	}
}

// params are the settings of a translation, one a line.
func params(tr *Translation) string {
	var b strings.Builder
	for _, p := range tr.Set {
		fmt.Fprintln(&b, p.Name, "=", p.Value)
	}
	return b.String()
}

func TestVirtualUsers(t *testing.T) {
	tr := Translate(fromCorpus(t, "2.3/virtual"), "an.example")
	require.Equal(t, `auth_cache_size = 10M
auth_cache_ttl = 30m
auth_failure_delay = 3s
auth_mechanisms = plain login
disable_plaintext_auth = yes
pop3_uidl_format = %v.%u
postmaster_address = postmaster@an.example
quota_rule = *:storage=1G
passdb = passwd-file:/etc/dovecot/users
userdb = { static:home=/var/vmail/%d/%n }
mail_location = maildir:/var/vmail/%d/%n/Maildir
autoexpunge = Junk 2w 1000, Trash 30d
imap_listen = :143
imaps_listen = :993
pop3_listen = :110
pop3s_listen = :995
`, params(tr))
	require.Zero(t, tr.Findings.Count(Blocks), "%v", tr.Findings)
	require.Equal(t, "vmail", tr.User)
	require.Equal(t, "/etc/letsencrypt/live/mail.an.example/fullchain.pem", tr.Cert)
	require.Equal(t, "/etc/letsencrypt/live/mail.an.example/privkey.pem", tr.Key)
}

func TestVirtualUsers24(t *testing.T) {
	tr := Translate(fromCorpus(t, "2.4/virtual"), "an.example")
	require.Equal(t, `auth_cache_size = 10M
auth_cache_ttl = 30m
auth_failure_delay = 3s
auth_mechanisms = plain login
zlib_save = gz
disable_plaintext_auth = yes
pop3_uidl_format = %v.%u
postmaster_address = postmaster@an.example
quota_rule = *:storage=2G
passwd_file = /etc/dovecot/users
mail_location = maildir:/var/vmail/%d/%n/Maildir
autoexpunge = Trash 30d, Junk 2w 1000
imap_listen = 0.0.0.0:143
imaps_listen = 0.0.0.0:993
pop3_listen = 0.0.0.0:110
pop3s_listen = 0.0.0.0:995
`, params(tr))
	require.Zero(t, tr.Findings.Count(Blocks), "%v", tr.Findings)
	require.Equal(t, "vmail", tr.User)
	require.Equal(t, "/etc/letsencrypt/live/mail.an.example/privkey.pem", tr.Key)

	text, err := os.ReadFile(corpus + "2.4/virtual.txt")
	require.NoError(t, err)
	tr = Translate(parsed(t, "n", strings.Replace(string(text), "default_password_scheme = crypt", "default_password_scheme = sha512-crypt", 1)), "an.example")
	require.Equal(t, 1, tr.Findings.Count(Blocks), "its passwords may be without {SCHEME}, and the file isn't here to tell")
}

func TestSQL(t *testing.T) {
	tr := Translate(fromCorpus(t, "2.3/sql"), "an.example")
	p := params(tr)
	for _, want := range []string{"passdb = { passwd-file:/etc/dovecot/master-users master=yes result_success=continue }, sql:/etc/dovecot/dovecot-sql.conf.ext\n", "userdb = sql:/etc/dovecot/dovecot-sql.conf.ext\n",
		"auth_master_user_separator = *\n", "mail_location = maildir:/srv/mail/%d/%n/Maildir\n", "auth_listen = :12345\n", "zlib_save = gz\n", "zlib_save_level = 6\n", "tls_server_sni_maps = texthash:$config_directory/sni\n"} {
		require.Contains(t, p, want)
	}
	require.Equal(t, "imap.two.example /etc/ssl/two.key, /etc/ssl/two.pem\n", tr.Made["sni"])
	require.Equal(t, []string{"12340"}, tr.Policies)
	require.Equal(t, "5000", tr.User)
	require.Zero(t, tr.Findings.Count(Blocks), "%v", tr.Findings)

	tr = Translate(fromCorpus(t, "2.4/sql"), "an.example")
	for _, want := range []string{"passdb = { passwd-file:/etc/dovecot/master-users master=yes result_success=continue }, sql:$config_directory/dovecot-sql.conf.ext\n", "userdb = sql:$config_directory/dovecot-sql.conf.ext\n",
		"auth_master_user_separator = *\n", "mail_location = maildir:/srv/mail/%d/%n/Maildir\n", "auth_listen = :12345\n", "zlib_save = gz\n", "tls_server_sni_maps = texthash:$config_directory/sni\n"} {
		require.Contains(t, params(tr), want)
	}
	require.Equal(t, "imap.two.example /etc/ssl/two.key, /etc/ssl/two.pem\n", tr.Made["sni"])
	require.Equal(t, []string{"12340"}, tr.Policies)
	require.Equal(t, `driver = mysql
connect = host=db.an.example dbname=mail password=5ecret user=dovecot
default_pass_scheme = BLF-CRYPT
password_query = SELECT username, domain, password FROM users WHERE username = '%n' AND domain = '%d'
user_query = SELECT home, 5000 AS uid, 5000 AS gid FROM users WHERE username = '%n' AND domain = '%d'
iterate_query = SELECT username, domain FROM users
`, tr.Made["dovecot-sql.conf.ext"])
	require.Zero(t, tr.Findings.Count(Blocks), "%v", tr.Findings)
	for _, x := range tr.Findings {
		require.NotContains(t, x.What+x.Text+x.Do, "5ecret")
	}
}

// Mailboxes in folders within each other stay so, and so do their names.
func TestNested(t *testing.T) {
	tr := Translate(fromCorpus(t, "2.4/fs"), "an.example")
	require.Contains(t, params(tr), "mail_location = maildir:/var/vmail/%d/%n:LAYOUT=fs:UTF-8\n")
	require.Zero(t, tr.Findings.Count(Blocks), "%v", tr.Findings)
	tr = Translate(parsed(t, "n", "mail_location = maildir:/m/%u:LAYOUT=fs:INDEX=/i/%u\nnamespace inbox {\n  inbox = yes\n}\n"), "an.example")
	require.Contains(t, params(tr), "mail_location = maildir:/m/%u:LAYOUT=fs\n")
	require.NotContains(t, fmt.Sprint(tr.Findings), "need a /")

	// What doveconf -n of 2.4 leaves out can't be known.
	const unsaid = "dovecot_config_version = 2.4.1\nmail_driver = maildir\nmail_path = /m/%{user}\n"
	f := parsed(t, "n", unsaid)
	require.Contains(t, fmt.Sprint(Translate(f, "an.example").Findings), "doveconf -N -P")
	f.Asked = true
	require.NotContains(t, fmt.Sprint(Translate(f, "an.example").Findings), "doveconf -N -P")
	require.NotContains(t, fmt.Sprint(Translate(parsed(t, "n", unsaid+"mailbox_list_layout = maildir++\n"), "an.example").Findings), "doveconf -N -P")
}

// What 2.4 has in sections of its own blocks where mail would be lost.
func TestSectionsOf24(t *testing.T) {
	tr := Translate(fromCorpus(t, "2.4/odd"), "an.example")
	blocks := map[string]bool{}
	for _, x := range tr.Findings {
		if x.Kind == Blocks {
			blocks[x.What] = true
			require.NotEmpty(t, x.Do, "%+v", x)
		}
		require.NotContains(t, x.What+x.Text+x.Do, "5ecret")
		require.NotContains(t, x.What+x.Text+x.Do, "5ec#ret")
	}
	for _, want := range []string{"imapc / host = other.example", "mail_ext_attachment / path = /srv/attachments", "ssl_server / key_password = …", "userdb ldap: mail_path = %{home}/Maildir",
		"passdb static", "passdb static: allow_nets = 10.0.0.0/8", "namespace public: type = public", "mail_plugins: mail_crypt"} {
		require.True(t, blocks[want], "%s: %v", want, blocks)
	}
	require.Contains(t, params(tr), "imaps_listen = 192.0.2.7:993 127.0.0.1:993 :10993\n")
	require.NotContains(t, params(tr), "imap_listen =")
}

// A size without a unit is in octets in 2.4, and in KiB in 2.3. What userdb says of all is stronger than the quota's own.
func TestLimits24(t *testing.T) {
	const quota = "dovecot_config_version = 2.4.1\nquota \"User quota\" {\n  storage_size = 1 G\n  message_count = 1000\n}\n"
	for fields, want := range map[string]string{
		"":                                "*:storage=1G:messages=1000",
		"quota_storage_size = 5000":       "*:messages=1000:bytes=5000",
		"quota_message_count:default = 7": "*:storage=1G:messages=7",
		"quota_storage_size = unlimited":  "*:storage=1G:messages=1000",
		"quota_storage_size = 2G\n    quota_storage_size = 3000M": "*:messages=1000:storage=3000M",
	} {
		tr := Translate(parsed(t, "n", quota+"userdb static {\n  fields {\n    home = /h/%{user}\n    "+fields+"\n  }\n}\n"), "an.example")
		require.Contains(t, params(tr), "quota_rule = "+want+"\n", fields)
	}
}

func TestSystemUsersBlock(t *testing.T) {
	for _, version := range []string{"2.3", "2.4"} {
		tr := Translate(fromCorpus(t, version+"/debian"), "")
		var what []string
		for _, x := range tr.Findings {
			if x.Kind == Blocks {
				require.NotEmpty(t, x.Do)
				what = append(what, x.What)
			}
		}
		all := strings.Join(what, "\n")
		require.Contains(t, all, "passdb pam")
		require.Contains(t, all, "userdb passwd")
		require.Contains(t, all, "mbox")
	}
}

// What would lose mail, or access to it, blocks; what doesn't must not.
func TestBlocks(t *testing.T) {
	const usual = "mail_location = maildir:~/Maildir\npassdb {\n  driver = sql\n  args = /a\n}\nuserdb {\n  driver = sql\n  args = /a\n}\n"
	for text, blocks := range map[string]bool{
		"":                                       false,
		"mail_location = maildir:~/M:CONTROL=/c": true,
		"mail_location = maildir:~/M:LAYOUT=fs":  false,
		"mail_location = maildir:~/M:LAYOUT=index":                                         true,
		"mail_location = maildir:~/M:INDEX=/i":                                             false,
		"mail_location = maildir:~/M:INBOX=~/M":                                            false,
		"mail_location = maildir:~/M:INBOX=~/I":                                            true,
		"mail_location = maildir:/m/%2.256Nu/%n":                                           true,
		"mail_location = mdbox:~/m":                                                        true,
		"mail_location = ":                                                                 true,
		"pop3_uidl_format = %08Xu%08Xv":                                                    false,
		"pop3_uidl_format = %g":                                                            false,
		"pop3_uidl_format = %m":                                                            true,
		"pop3_uidl_format = %v":                                                            true, // all messages would have the same
		"pop3_uidl_format = %{uid | hex(8)}%{guid}":                                        false,
		"pop3_uidl_format = %{uid}%{user}":                                                 true,
		"pop3_reuse_xuidl = yes":                                                           true,
		"auth_mechanisms = gssapi":                                                         true,
		"auth_mechanisms = plain gssapi":                                                   false,
		"auth_default_realm = other.example":                                               true,
		"auth_default_realm = an.example":                                                  false,
		"mail_attachment_dir = /a":                                                         true,
		"mail_plugins = mail_crypt":                                                        true,
		"plugin {\n zlib_save = lz4\n}":                                                    true,
		"plugin {\n zlib_save = bz2\n}":                                                    false,
		"plugin {\n sieve = ~/s\n}":                                                        false,
		"lmtp_proxy = yes":                                                                 true,
		"protocol imap {\n mail_location = maildir:~/x\n}":                                 true,
		"namespace {\n type = public\n prefix = p/\n location = maildir:/p\n}":             true,
		"namespace {\n inbox = yes\n location = maildir:/x\n}":                             true,
		"namespace {\n inbox = yes\n prefix = INBOX.\n separator = .\n}":                   false,
		"passdb {\n driver = static\n args = nopassword=y\n}":                              true,
		"userdb {\n driver = static\n args = mail=maildir:~/M home=/h/%u\n}":               true,
		"passdb {\n driver = lua\n}":                                                       true,
		"passdb {\n driver = sql\n args = /b\n override_fields = allow_nets=10.0.0.0/8\n}": true,
		"passdb {\n driver = passwd-file\n args = scheme=SHA512 /nowhere/users\n}":         true,
		"passdb {\n driver = passwd-file\n args = scheme=CRYPT /nowhere/users\n}":          false,
		"passdb {\n driver = passwd-file\n args = /etc/%d/users\n}":                        true,
	} {
		head := usual
		if strings.HasPrefix(text, "mail_location") {
			head = strings.TrimPrefix(usual, "mail_location = maildir:~/Maildir\n")
		}
		f := parsed(t, "n", head+text+"\n")
		tr := Translate(f, "an.example")
		require.Equal(t, blocks, tr.Findings.Count(Blocks) > 0, "%q: %+v", text, tr.Findings)
		accounted(t, f, tr.Findings)
	}
}

// What 2.4 says of users within passdb and userdb is carried over, or named with what to do.
func TestUsersOf24(t *testing.T) {
	const head = "dovecot_config_version = 2.4.1\nmail_driver = maildir\nmail_path = ~/Maildir\nauth_username_format = %{user | lower}\n"
	const sql = "sql_driver = pgsql\npgsql db.an.example {\n  parameters {\n    dbname = mail\n    user = dovecot\n    password = 5ecret\n  }\n}\n"
	for _, c := range []struct{ name, text, param, do string }{
		{"passwd-file", "passdb passwd-file {\n  passwd_file_path = /etc/dovecot/users\n  default_password_scheme = CRYPT\n}\nuserdb static {\n  fields {\n    uid = vmail\n    gid = vmail\n    home = /var/vmail/%{user | domain}/%{user | username}\n  }\n}\n",
			"passdb = passwd-file:/etc/dovecot/users\nuserdb = { static:home=/var/vmail/%d/%n }\n", ""},
		{"pgsql", sql + "passdb sql {\n  query = SELECT email AS user, password FROM users WHERE email = '%{user}'\n  default_password_scheme = SHA512-CRYPT\n}\nuserdb sql {\n  query = SELECT home FROM users WHERE email = '%{user}'\n  iterate_query = SELECT email AS user FROM users\n}\n",
			"passdb = sql:$config_directory/dovecot-sql.conf.ext\nuserdb = sql:$config_directory/dovecot-sql.conf.ext\n", ""},
		{"pam", "passdb pam {\n}\nuserdb passwd {\n}\n", "", "getent shadow"},
		{"lua", "passdb lua {\n  lua_file = /etc/dovecot/auth.lua\n}\nuserdb static {\n  fields {\n    home = /var/vmail/%{user}\n  }\n}\n", "", "to SQL or to LDAP"},
		{"per domain", "passdb passwd-file {\n  passwd_file_path = /etc/dovecot/%{user | domain}/users\n}\nuserdb static {\n  fields {\n    home = /var/vmail/%{user}\n  }\n}\n", "", "into one file"},
	} {
		f := parsed(t, "n", head+c.text)
		tr := Translate(f, "an.example")
		accounted(t, f, tr.Findings)
		for _, x := range tr.Findings {
			require.NotContains(t, x.Text, "isn't known", "%s: %+v", c.name, x)
			require.NotContains(t, x.What+x.Text+x.Do, "5ecret")
			if x.Kind == Blocks {
				require.NotEmpty(t, c.do, "%s: %+v", c.name, x)
				require.Contains(t, []string{"passdb", "userdb"}, x.Param, "%s: %+v", c.name, x)
			}
		}
		if c.do == "" {
			require.Contains(t, params(tr), c.param, c.name)
			continue
		}
		require.True(t, slices.ContainsFunc(tr.Findings, func(x Finding) bool { return x.Kind == Blocks && strings.Contains(x.Do, c.do) }), "%s: %+v", c.name, tr.Findings)
	}
}

func TestVariables(t *testing.T) {
	old, v24 := &translation{}, &translation{v24: true}
	for s, want := range map[string]string{"/m/%d/%n": "/m/%d/%n", "/m/%Ld/%Ln": "/m/%d/%n", "%h/x%%y": "%h/x%%y", "%{user}": "%u", "%{domain}/%{username}": "%d/%n"} {
		got, err := old.variables(s)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, s := range []string{"%1n", "%Hu", "x%", "%{uid}", "%{user"} {
		_, err := old.variables(s)
		require.Error(t, err, s)
	}
	for s, want := range map[string]string{"%{user | domain | lower}/%{user|username}": "%d/%n", "50% of %{home}": "50%% of %h"} {
		got, err := v24.variables(s)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestReport(t *testing.T) {
	var b strings.Builder
	f := Findings{{Kind: Same, Where: "a", What: "b = c", Text: "is the same"}, {Kind: Blocks, Where: "a", What: "d", Text: "is in\nthe way", Do: "mend it"}, {Kind: Differs, What: "e", Text: "differs"}}
	require.NoError(t, f.Write(&b, false))
	require.Equal(t, "Blocks (1)\n  a: d: is in?the way\n    -> mend it\nWill differ (1)\n  e: differs\nIs the same (1)\n", b.String())
	b.Reset()
	f = Findings{{Kind: Differs, Where: "n, line 3", What: "a = b", Text: "not here", Do: "nothing"}}
	for _, n := range []int{5, 6, 7, 9} {
		f = append(f, Finding{Kind: Differs, Where: fmt.Sprint("n, line ", n), What: "c = d", Text: "not here", Do: "nothing"})
	}
	require.NoError(t, f.Write(&b, false))
	require.Equal(t, "Will differ (5)\n  n, line 3: a = b: not here\n    and 4 more (lines 5-7, 9)\n    -> nothing\n", b.String(), "many that have the same to say")
	b.Reset()
	require.NoError(t, f.Write(&b, true))
	require.Equal(t, 10, strings.Count(b.String(), "\n")-1)
	f = Findings{{Kind: Same, Where: "a", What: "b = c", Text: "is the same"}, {Kind: Blocks, Where: "a", What: "d", Text: "is in\nthe way", Do: "mend it"}, {Kind: Differs, What: "e", Text: "differs"}}
	b.Reset()
	require.NoError(t, f.Write(&b, true))
	require.Contains(t, b.String(), "  a: b = c: is the same\n")
}

func FuzzTranslate(f *testing.F) {
	files, _ := filepath.Glob(corpus + "2.*/*.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Add("protocols {\n  imap = no\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := doveconf.Parse("n", strings.NewReader(text), doveconf.Limits{Size: 1 << 16, Depth: 4, Settings: 200})
		if err != nil {
			return
		}
		if slices.ContainsFunc(slices.Collect(keys(file)), func(name string) bool { return strings.Contains(name, "args") }) {
			return // it would read files
		}
		accounted(t, file, Translate(file, "an.example").Findings)
	})
}

func keys(f *doveconf.File) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, s := range f.Root.All() {
			if !yield(s.Name) {
				return
			}
		}
	}
}
