package setup_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/setup"
)

func plan(dir string) *setup.Plan {
	return &setup.Plan{Dir: filepath.Join(dir, "etc"), Data: filepath.Join(dir, "data$x"), Domain: "example.org", Users: []setup.User{{Name: "An"}, {Name: "binh@example.org", Password: "a password of his own"}},
		Now: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}
}

// What is made is what the server reads: users who can log in, keys that sign, parameters without a warning. Secrets are for the owner's eyes only.
func TestMake(t *testing.T) {
	dir := t.TempDir()
	p := plan(dir)
	m, err := p.Make()
	require.NoError(t, err)
	c, err := config.Load(config.Options{File: m.MainCF})
	require.NoError(t, err)
	require.Empty(t, c.Warnings())
	require.Equal(t, "mail.example.org", c.Settings.MyHostname)
	require.Equal(t, p.Data, c.Settings.DataDirectory)
	f, err := passwdfile.Open(c.Settings.PasswdFile, passwdfile.Options{Domain: "example.org"})
	require.NoError(t, err)
	require.Equal(t, "an@example.org", f.First())
	for name, password := range map[string]string{"an@example.org": m.Drawn["an@example.org"], "binh@example.org": "a password of his own"} {
		require.NotEmpty(t, password)
		u, ok := f.Lookup(name)
		require.True(t, ok)
		require.True(t, u.Secret().Verify(password), name)
	}
	require.NotContains(t, m.Drawn, "binh@example.org")
	keys, err := mailcheck.OpenKeys(c.Settings.DKIMKeyTable)
	require.NoError(t, err)
	require.Len(t, keys.Public(), 2)
	require.Equal(t, []string{"rsa202611", "ed25519202611"}, m.Selector)
	for _, file := range m.Files {
		info, err := os.Stat(file)
		require.NoError(t, err)
		mode := os.FileMode(0o600)
		if filepath.Base(file) == "main.cf" {
			mode = 0o644 // whoever calls sendmail reads it
		}
		require.Equal(t, mode, info.Mode(), file)
	}
	_, err = plan(dir).Make()
	require.ErrorContains(t, err, "is there already: nothing was changed")
}

// A plan that can't be is told so, and leaves nothing.
func TestWrongPlans(t *testing.T) {
	for want, change := range map[string]func(*setup.Plan){
		`domain "": write a full name`:         func(p *setup.Plan) { p.Domain = "" },
		`domain "local": write a full name`:    func(p *setup.Plan) { p.Domain = "local" },
		`domain "exa mple.org": is no host`:    func(p *setup.Plan) { p.Domain = "exa mple.org" },
		`domain "-x.org": is no host`:          func(p *setup.Plan) { p.Domain = "-x.org" },
		`domain "thư.vn": is no host name`:     func(p *setup.Plan) { p.Domain = "thư.vn" },
		`host name "mail..org"`:                func(p *setup.Plan) { p.Hostname = "mail..org" },
		"needs a user":                         func(p *setup.Plan) { p.Users = nil },
		`user "../x": `:                        func(p *setup.Plan) { p.Users[0].Name = "../x" },
		`user "a@elsewhere.org": is not at`:    func(p *setup.Plan) { p.Users[0].Name = "a@elsewhere.org" },
		`user "an@example.org" is there twice`: func(p *setup.Plan) { p.Users[1].Name = "AN@example.org" },
		"a password has at most": func(p *setup.Plan) {
			p.Users[1].Password = string(make([]byte, 5000))
		},
	} {
		dir := t.TempDir()
		p := plan(dir)
		change(p)
		_, err := p.Make()
		require.ErrorContains(t, err, want)
		left, _ := filepath.Glob(p.Dir + "/*")
		require.Empty(t, left, want)
	}
}
