package maildir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// A UID list of version 1, as Dovecot 1.0 wrote it and Courier still does, gives the UIDs to us that it gives to Dovecot.
func TestDovecotListVersion1(t *testing.T) {
	for name, list := range map[string]string{
		"whole":            "1 777 50\n7 1000.a.h\n9 1001.b.h\n11 1002.c.h\n12 1003.d.h\n",
		"one is gone":      "1 777 50\n7 1000.a.h\n8 0999.gone.h\n9 1001.b.h\n11 1002.c.h\n12 1003.d.h\n",
		"two are new":      "1 777 50\n7 1000.a.h\n9 1001.b.h\n",
		"names with flags": "1 777 50\n7 1000.a.h:2,S\n9 1001.b.h:2,\n11 1002.c.h\n12 1003.d.h\n",
		"no messages":      "1 777 50\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDovecot(t)
			ours := t.TempDir()
			for _, dir := range []string{d.mail, ours} {
				for file, content := range map[string]string{
					"cur/1000.a.h:2,S": "Subject: a\r\n\r\n", "cur/1001.b.h:2,": "Subject: b\r\n\r\n", "cur/1002.c.h:2,F": "Subject: c\r\n\r\n", "new/1003.d.h": "Subject: d\r\n\r\n",
					"dovecot-uidlist": list,
				} {
					require.NoError(t, os.MkdirAll(filepath.Dir(dir+"/"+file), 0o700))
					require.NoError(t, os.WriteFile(dir+"/"+file, []byte(content), 0o600))
				}
				require.NoError(t, os.MkdirAll(dir+"/tmp", 0o700))
			}
			want := d.fetch("INBOX")
			require.Len(t, want, 4)
			status := d.run("", "-f", "flow", "mailbox", "status", "messages uidnext uidvalidity unseen", "INBOX")
			for _, dir := range []string{ours, d.mail} { // as it was, and as Dovecot has left it
				s := &maildir.Store{Path: dir}
				a, err := s.Account(t.Context(), "alice")
				require.NoError(t, err)
				m, err := a.Open(t.Context(), "INBOX")
				require.NoError(t, err)
				require.Equal(t, want, d.ours(m), dir)
				require.Contains(t, d.ourStatus(m), strings.TrimSpace(status), dir)
				require.NoError(t, m.Close())
				require.NoError(t, a.Close())
			}
		})
	}
}
