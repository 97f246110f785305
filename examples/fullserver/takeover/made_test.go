package takeover

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
)

// head24 begins configurations of 2.4 in which only users are of interest.
const head24 = "dovecot_config_version = 2.4.1\nprotocols = imap\nmail_driver = maildir\nmail_path = ~/Maildir\n"

// value is a parameter that a translation sets, "" where it doesn't.
func (tr *Translation) value(name string) string {
	for _, p := range tr.Set {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// blocked is what stands in the way, one a line.
func blocked(tr *Translation) string {
	var b strings.Builder
	for _, f := range tr.Findings {
		if f.Kind == Blocks {
			b.WriteString(f.What + ": " + f.Text + "\n")
		}
	}
	return b.String()
}

// opened are the accounts as the new configuration has them, of the files that were made for it. change replaces words in these.
func opened(t *testing.T, tr *Translation, change ...string) *accounts.Accounts {
	t.Helper()
	require.Empty(t, blocked(tr))
	dir := t.TempDir()
	for name, text := range tr.Made {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.NewReplacer(change...).Replace(text)), 0o600))
	}
	real := func(name string) string {
		return strings.NewReplacer(append(change, "$config_directory", dir, "$$", "$")...).Replace(tr.value(name))
	}
	dirs, dbs := &directory.Directories{}, &sqldb.Pools{}
	a, err := accounts.Open(accounts.Options{Passdbs: accounts.Or(real("passdb"), real("passwd_file")), Userdbs: real("userdb"), Domain: "an.example", MasterSeparator: "*", Directories: dirs, Databases: dbs})
	require.NoError(t, err)
	t.Cleanup(func() {
		a.Close()
		require.NoError(t, dirs.Close())
		dbs.Close()
	})
	return a
}
