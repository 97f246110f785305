package maildir_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

// Every file that Dovecot keeps beside messages may be damaged in every way that disks, editors and other programs know. What is lost is what
// the file alone held; messages, their UIDs and flags are there, or the operation that needs the file fails with an error that names
// it, and all is as before once the file is right again. Damaged rights are no rights.
func TestSideFilesDamaged(t *testing.T) {
	t.Parallel()
	damages := map[string]func(string) string{
		"empty":       func(string) string { return "" },
		"half":        func(s string) string { return s[:len(s)/2] },
		"no last end": func(s string) string { return strings.TrimSuffix(s, "\n") },
		"zeros":       func(s string) string { return strings.Repeat("\x00", len(s)) },
		"a zero":      func(s string) string { return s[:len(s)/2] + "\x00" + s[len(s)/2:] },
		"binary":      func(string) string { return "\x7fELF\xff\xfe\x01\n\x80\x81\n" },
		"CRLF":        func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"blank lines": func(s string) string { return strings.ReplaceAll(s, "\n", "\n\n") },
		"twice":       func(s string) string { return s + s },
		"a long line": func(s string) string { return s + strings.Repeat("x", 1<<20) + "\n" },
		"numbers":     func(string) string { return "99999999999999999999999 -1\n-5 :\n" },
		"a folder":    nil,
	}
	files := []string{"dovecot-uidlist", "dovecot-keywords", "dovecot-uidvalidity", "dovecot-acl", "maildirsize", "subscriptions", "maildirfolder"}
	for _, file := range files {
		for damage, do := range damages {
			t.Run(file+"/"+damage, func(t *testing.T) {
				r := newRig(t)
				r.s.UserQuota, r.s.Sharing = true, &maildir.Sharing{}
				a, err := r.s.Account(t.Context(), "u")
				require.NoError(t, err)
				_, err = a.Create(t.Context(), "box", nil)
				require.NoError(t, err)
				m, err := a.Open(t.Context(), "box")
				require.NoError(t, err)
				for i := range 4 {
					addTo(t, m, fmt.Sprintf("Subject: %d\r\n\r\n%d\r\n", i, i))
				}
				_, err = m.SetFlags(t.Context(), mail.UIDSetOf(2, 4), mail.FlagChange{Flags: mail.NewFlags(`\Seen`, "work")})
				require.NoError(t, err)
				require.NoError(t, a.Subscribe(t.Context(), "box", true))
				require.NoError(t, a.(mail.QuotaSetter).SetQuota(t.Context(), "User quota", []mail.QuotaResource{{Kind: mail.QuotaStorage, Limit: 1 << 20}}))
				require.NoError(t, a.(mail.SharingAccount).SetACL(t.Context(), "box", "other", mail.RightsReplace, mail.RightLookup|mail.RightRead))
				want := r.show(m)
				require.NoError(t, m.Close())
				require.NoError(t, a.Close())
				r.restart()
				r.s.UserQuota, r.s.Sharing = true, &maildir.Sharing{}

				name := file
				if _, err := r.fs.Stat(root + "/.box/" + file); err == nil {
					name = ".box/" + file
				}
				whole := r.read(name)
				if do == nil {
					r.remove(name)
					require.NoError(t, r.fs.Mkdir(root+"/"+name, 0o700))
				} else {
					r.write(name, do(whole))
				}

				use := func() error {
					a, err := r.s.Account(t.Context(), "u")
					if err != nil {
						return err
					}
					defer a.Close()
					for _, err := range a.Mailboxes(t.Context()) {
						if err != nil {
							return err
						}
					}
					m, err := a.Open(t.Context(), "box")
					if err != nil {
						return err
					}
					defer m.Close()
					got := r.show(m)
					require.GreaterOrEqual(t, len(got), len(want))
					got = got[:len(want)]
					require.Equal(t, want, got)
					ap, err := m.Append(t.Context())
					if err != nil {
						return err
					}
					defer ap.Abort()
					if err := ap.Add(t.Context(), strings.NewReader("Subject: new\r\n\r\n"), &mail.AppendOptions{Flags: mail.NewFlags("work", "play")}); err != nil {
						return err
					}
					_, err = ap.Commit(t.Context())
					if err != nil {
						return err
					}
					if err := a.Subscribe(t.Context(), "INBOX", true); err != nil {
						return err
					}
					_, err = a.(mail.QuotaAccount).Quota(t.Context(), "User quota")
					return err
				}
				if err := use(); err != nil {
					t.Logf("says: %v", err)
					require.Contains(t, err.Error(), file, "the error names what has to be mended")
					require.NoError(t, r.fs.RemoveAll(root+"/"+name))
					r.write(name, whole)
					require.NoError(t, use())
				}
				o, err := r.s.Account(t.Context(), "stranger")
				require.NoError(t, err)
				defer o.Close()
				_, err = o.Open(t.Context(), "Users/u/box")
				require.Error(t, err, "nobody has got rights")
			})
		}
	}
}
