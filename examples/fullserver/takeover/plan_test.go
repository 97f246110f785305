package takeover

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// site is a pair's files, of a Dovecot whose users are asked for in a way that isn't here.
func site(t *testing.T) Options {
	dir := t.TempDir()
	o := Options{Postfix: filepath.Join(dir, "postfix"), Out: filepath.Join(dir, "out"), Data: filepath.Join(dir, "data")}
	mail := filepath.Join(dir, "vmail/an.example/alice")
	require.NoError(t, os.MkdirAll(mail, 0o755))
	require.NoError(t, os.Mkdir(o.Postfix, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(o.Postfix, "main.cf"), []byte("myhostname = mail.an.example\nmydestination =\nvirtual_mailbox_domains = an.example\nvirtual_transport = lmtp:unix:private/dovecot-lmtp\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "users"), []byte("alice@an.example:{PLAIN}secret\n"), 0o600))
	o.Doveconf = parsed(t, "doveconf", "protocols = imap\nmail_location = maildir:"+dir+"/vmail/%d/%n\npassdb {\n  driver = lua\n}\nuserdb {\n  driver = passwd-file\n  args = "+dir+"/users\n}\n")
	return o
}

func TestAnswered(t *testing.T) {
	o := site(t)
	p, err := Make(t.Context(), o)
	require.NoError(t, err)
	require.Positive(t, p.Count(Blocks))

	o.Set = []string{"passdb=passwd-file:" + filepath.Dir(o.Postfix) + "/users"}
	if os.Geteuid() != 0 {
		t.Skip("the mailboxes are root's")
	}
	p, err = Make(t.Context(), o)
	require.NoError(t, err)
	require.Zero(t, p.Count(Blocks), "%+v", p.Findings)
}

// Mailboxes that lie otherwise than mail_location says are seen on the disk.
func TestLayoutOnDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the mailboxes are root's")
	}
	o := site(t)
	dir := filepath.Dir(o.Postfix)
	at := "mail_location=maildir:" + dir + "/vmail/%d/%n"
	blocks := func(location, text string) bool {
		o.Set = []string{"passdb=passwd-file:" + dir + "/users", location}
		p, err := Make(t.Context(), o)
		require.NoError(t, err)
		if p.Count(Blocks) > 0 {
			require.Contains(t, fmt.Sprint(p.Findings), text)
		}
		return p.Count(Blocks) > 0
	}
	require.False(t, blocks(at, ""))
	require.False(t, blocks(at+":LAYOUT=fs", ""), "there is only INBOX")
	require.NoError(t, os.MkdirAll(dir+"/vmail/an.example/alice/Lists/go/cur", 0o755))
	require.True(t, blocks(at, "in folders within each other, and nobody"))
	require.False(t, blocks(at+":LAYOUT=fs", ""))
	require.NoError(t, os.Rename(dir+"/vmail/an.example/alice/Lists/go", dir+"/vmail/an.example/alice/.Sent"))
	require.True(t, blocks(at+":LAYOUT=fs:UTF-8", "with a dot in front, and nobody"))
	require.False(t, blocks(at, ""))
}

// What somebody has written, or changed, is not written over.
func TestWrite(t *testing.T) {
	o := site(t)
	o.Set = []string{"passdb=passwd-file:" + filepath.Dir(o.Postfix) + "/users"}
	p, err := Make(t.Context(), o)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(o.Out, 0o755))
	main := filepath.Join(o.Out, "main.cf")
	require.NoError(t, os.WriteFile(main, []byte("mine\n"), 0o644))
	_, err = p.Write()
	require.ErrorContains(t, err, "wasn't written by this command")
	text, err := os.ReadFile(main)
	require.NoError(t, err)
	require.Equal(t, "mine\n", string(text))

	require.NoError(t, os.Remove(main))
	files, err := p.Write()
	require.NoError(t, err)
	require.Equal(t, []string{main}, files)
	o.Set = append(o.Set, "imap_listen=:1143")
	p, err = Make(t.Context(), o)
	require.NoError(t, err)
	_, err = p.Write()
	require.NoError(t, err, "its own it writes again")
	text, err = os.ReadFile(main)
	require.NoError(t, err)
	require.Contains(t, string(text), "imap_listen = :1143\n")

	require.NoError(t, os.WriteFile(main, append(text, "smtpd_banner = $myhostname\n"...), 0o644))
	_, err = p.Write()
	require.ErrorContains(t, err, "was changed since")
	o.Out = o.Postfix
	p, err = Make(t.Context(), o)
	require.NoError(t, err)
	_, err = p.Write()
	require.ErrorContains(t, err, "own folder")
}
