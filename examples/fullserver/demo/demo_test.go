package demo_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/demo"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/stretchr/testify/require"
)

func setup(t *testing.T, dir string) (*demo.Demo, *config.Config, *passwdfile.File) {
	t.Helper()
	d, err := demo.Setup(dir)
	require.NoError(t, err)
	c, err := config.Load(config.Options{File: d.MainCF})
	require.NoError(t, err)
	f, err := passwdfile.Open(c.Settings.PasswdFile, passwdfile.Options{Domain: c.Settings.MyDomain})
	require.NoError(t, err)
	return d, c, f
}

func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it costs $5 – thư", demo.Dir)
	d, c, f := setup(t, dir)
	require.True(t, d.First)
	require.Equal(t, dir, c.Settings.DataDirectory, "whatever the folder is called")
	require.Len(t, f.Users(), 2)
	for _, user := range []string{"alice@example.test", "bob@example.test"} {
		require.GreaterOrEqual(t, len(d.Passwords[user]), 12)
		id, err := f.Authenticator().Authenticate(t.Context(), &mail.AuthRequest{Username: user, Password: d.Passwords[user]})
		require.NoError(t, err)
		require.Equal(t, user, id.AccountName())
	}
	require.NotEqual(t, d.Passwords["alice@example.test"], d.Passwords["bob@example.test"])
	for file, mode := range map[string]os.FileMode{".": 0o700, "users": 0o600, "main.cf": 0o600, "initial-passwords": 0o600} {
		info, err := os.Stat(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), file)
	}
	hashed, err := os.ReadFile(filepath.Join(dir, "users"))
	require.NoError(t, err)
	require.NotContains(t, string(hashed), d.Passwords["alice@example.test"])
	require.Equal(t, 2, strings.Count(string(hashed), "{SHA512-CRYPT}"))
}

// Only this machine can reach the demo.
func TestLoopbackOnly(t *testing.T) {
	_, c, _ := setup(t, t.TempDir())
	s := c.Settings
	n := 0
	for _, list := range [][]config.Address{s.SMTPListen, s.SubmissionListen, s.SubmissionsListen, s.IMAPListen, s.IMAPSListen, s.POP3Listen, s.POP3SListen, s.POP2Listen, s.LMTPListen, s.HTTPListen, s.HTTPSListen, s.WebmailListen, s.WebmailsListen} {
		for _, a := range list {
			n++
			require.True(t, strings.HasPrefix(a.Address, "127.0.0.1:"), a)
		}
	}
	require.Equal(t, 6, n)
}

func TestSecondStart(t *testing.T) {
	dir := t.TempDir()
	first, _, _ := setup(t, dir)
	cf := filepath.Join(dir, "main.cf")
	b, err := os.ReadFile(cf)
	require.NoError(t, err)
	b = append(b, "smtpd_banner = $myhostname mine\n"...)
	require.NoError(t, os.WriteFile(cf, b, 0o600))
	again, c, _ := setup(t, dir)
	require.False(t, again.First)
	require.Equal(t, first.Passwords, again.Passwords)
	require.Equal(t, "mail.example.test mine", c.Settings.SMTPDBanner, "the configuration is the operator's")

	// Without the note the passwords are nobody's to show.
	require.NoError(t, os.Remove(filepath.Join(dir, "initial-passwords")))
	third, c, _ := setup(t, dir)
	require.Empty(t, third.Passwords)
	var out bytes.Buffer
	require.NoError(t, third.Welcome(&out, &c.Settings))
	require.Contains(t, out.String(), "alice@example.test")
	require.NotContains(t, out.String(), first.Passwords["alice@example.test"])
}

func TestWelcome(t *testing.T) {
	d, c, _ := setup(t, t.TempDir())
	var out bytes.Buffer
	require.NoError(t, d.Welcome(&out, &c.Settings))
	text := out.String()
	for _, want := range []string{
		d.Dir, "127.0.0.1:2525", "127.0.0.1:2587", "127.0.0.1:1143", "127.0.0.1:1110", "127.0.0.1:2424", "http://127.0.0.1:8025/", "đang chạy", "Ctrl-C",
		"alice@example.test     " + d.Passwords["alice@example.test"], "bob@example.test       " + d.Passwords["bob@example.test"],
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, 3, strings.Count(text, "curl -sS"), "three things to try")

	// One user, or a service less: no commands that would fail.
	out.Reset()
	b, err := os.ReadFile(c.Settings.PasswdFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(c.Settings.PasswdFile, b[:bytes.Index(b, []byte("bob@"))], 0o600))
	require.NoError(t, d.Welcome(&out, &c.Settings))
	require.Contains(t, out.String(), "alice@example.test")
	require.NotContains(t, out.String(), "curl")
	require.NoError(t, os.Remove(c.Settings.PasswdFile))
	require.NoError(t, d.Welcome(io.Discard, &c.Settings), "the server says why")
	require.Error(t, d.Welcome(failing{}, &c.Settings))
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestCannotSetUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := demo.Setup(filepath.Join(file, "data"))
	require.Error(t, err)
}

func ExampleSetup() {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	d, err := demo.Setup(dir)
	fmt.Println(d.First, len(d.Passwords), err)
	d, err = demo.Setup(dir)
	fmt.Println(d.First, len(d.Passwords), err)
	// Output:
	// true 2 <nil>
	// false 2 <nil>
}
