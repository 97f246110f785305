package admincmd_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/admincmd"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/stretchr/testify/require"
)

// place is a main.cf with its files.
func place(t *testing.T, more string) (dir string, run func(stdin string, words ...string) (status int, stdout, stderr string)) {
	dir = t.TempDir()
	for name, text := range map[string]string{
		"main.cf": "myhostname = mx.example.net\nmydomain = example.net\ndata_directory = " + dir + "\nmaillog_file = " + dir + "/mail.log\nvirtual_mailbox_domains = hash:" + dir + "/domains\n" +
			"virtual_alias_maps = regexp:" + dir + "/patterns, hash:" + dir + "/virtual\ndomain_quota_rule_maps = proxy:hash:" + dir + "/limits\ndomain_admin_maps = hash:" + dir + "/admins\nquota_rule = *:storage=10M\n" + more,
		"users": "lan@an.example:{PLAIN}x\n", "domains": "an.example x\nbinh.example x\n", "virtual": "", "patterns": "", "limits": "", "admins": "lan@an.example an.example\n", "mail.log": "",
	} {
		require.NoError(t, os.WriteFile(dir+"/"+name, []byte(text), 0o600))
	}
	return dir, func(stdin string, words ...string) (int, string, string) {
		t.Helper()
		var out, errs bytes.Buffer
		e := &admincmd.Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Config: func() (*config.Config, error) { return config.Load(config.Options{File: dir + "/main.cf"}) }}
		status := e.Run(t.Context(), words[0], words[1:])
		return status, out.String(), errs.String()
	}
}

// A session of the operator's and of an administrator's, with what the log has of it.
func TestCommands(t *testing.T) {
	dir, run := place(t, "")
	ok := func(stdin string, words ...string) string {
		t.Helper()
		status, out, errs := run(stdin, words...)
		require.Zero(t, status, errs)
		return out
	}
	no := func(want string, words ...string) {
		t.Helper()
		status, out, errs := run("secret\n", words...)
		require.Equal(t, 1, status)
		require.Empty(t, out)
		require.Equal(t, words[0]+": fatal: "+want+"\n", errs)
	}
	ok("", "domain", "add", "new.example", "1007")
	ok("", "domain", "quota", "new.example", "*:storage=1G:mailboxes=2")
	ok("", "domain", "admin", "add", "new.example", "u@new.example")
	ok("first\n", "user", "add", "u@new.example")
	ok("second", "user", "-as", "u@new.example", "add", "v@new.example")
	no("new.example has 2 mailboxes and may have 2", "user", "-as", "u@new.example", "add", "w@new.example")
	no("permission denied: u@new.example does not administer an.example", "user", "-as", "u@new.example", "passwd", "lan@an.example")
	no("permission denied: lan@an.example does not administer new.example", "alias", "-as=lan@an.example", "list", "new.example")
	no("permission denied: nobody@new.example administers no domain", "user", "-as", "nobody@new.example", "list")
	ok("", "user", "-as", "u@new.example", "quota", "v@new.example", "*:storage=100M")
	ok("", "alias", "-as", "u@new.example", "set", "office@new.example", "u@new.example", "v@new.example")
	require.Equal(t, "office@new.example u@new.example, v@new.example\n", ok("", "alias", "list", "new.example"))
	require.Equal(t, "u@new.example storage=-/10M messages=-/any\nv@new.example storage=-/100M messages=-/any\n", ok("", "user", "-as", "u@new.example", "list"))
	require.Equal(t, "an.example mailboxes=1/any aliases=0/any storage=-/any messages=-/any\nbinh.example mailboxes=0/any aliases=0/any storage=-/any messages=-/any\nnew.example mailboxes=2/2 aliases=1/any storage=-/1G messages=-/any\n", ok("", "domain", "list"))
	ok("", "alias", "del", "office@new.example")
	ok("", "user", "quota", "v@new.example")
	ok("", "user", "del", "v@new.example")
	ok("third\n", "user", "passwd", "u@new.example")
	no("there is no user of that name", "user", "passwd", "v@new.example")
	no("domain admin: add or del?", "domain", "admin", "drop", "new.example", "u@new.example")

	log, err := os.ReadFile(dir + "/mail.log")
	require.NoError(t, err)
	require.Contains(t, string(log), ": u@new.example: user add v@new.example\n")
	require.Contains(t, string(log), "fullserver/admin[")
	require.Contains(t, string(log), ": u@new.example: refused: user passwd lan@an.example: permission denied: u@new.example does not administer an.example\n")
	require.Contains(t, string(log), ": operator: domain add new.example\n")
	require.NotContains(t, string(log), "secret")
	users, err := os.ReadFile(dir + "/users")
	require.NoError(t, err)
	require.Regexp(t, `^lan@an\.example:\{PLAIN\}x\nu@new\.example:\{SHA512-CRYPT\}\$6\$\S+\n$`, string(users))
}

// Whoever gives others this command with words of his in front relies on it that theirs can't take these back.
func TestWords(t *testing.T) {
	_, run := place(t, "")
	for _, words := range [][]string{
		{"user"}, {"user", "dance"}, {"user", "add"}, {"user", "add", "a", "b"}, {"user", "-as"}, {"user", "-as", "", "list"}, {"alias", "set", "a@an.example"}, {"domain", "admin", "add", "an.example"},
		{"user", "-as", "lan@an.example", "-as", "root@an.example", "list"}, {"user", "-as", "lan@an.example", "-c", "/other", "list"}, {"user", "-h"},
	} {
		status, out, errs := run("", words...)
		require.Equal(t, 2, status, "%q", words)
		require.Empty(t, out)
		require.Contains(t, errs, "usage: fullserver [-c main.cf] "+words[0]+" [-as administrator] list [domain]\n")
	}
	require.True(t, admincmd.Known("domain"))
	require.False(t, admincmd.Known("dance"))
}

// What is in a database is changed there.
func TestNoFiles(t *testing.T) {
	_, run := place(t, "virtual_alias_maps = inline:{ {a@b.example=x@an.example} }\ndomain_admin_maps =\npassdb = { passwd-file:$data_directory/users deny=no }\n")
	status, _, errs := run("", "alias", "set", "a@an.example", "b@an.example")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "aliases are in no file that this program could change: change them where they are\n")
	status, _, errs = run("", "user", "-as", "lan@an.example", "list")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "permission denied: lan@an.example administers no domain\n")
	status, _, errs = run("x\n", "user", "add", "new@an.example")
	require.Zero(t, status, errs)
	_, run = place(t, "domain_quota_rule = lots\n")
	status, _, errs = run("", "user", "list")
	require.Equal(t, 1, status)
	require.Contains(t, errs, `domain_quota_rule: "lots" must begin with *:`)
	_, run = place(t, "passwd_file = /nonexistent/users\n")
	status, _, errs = run("", "user", "list")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "/nonexistent/users: no such file; make an empty one")
}
