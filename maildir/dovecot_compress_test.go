//go:build unix

package maildir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/compress/zstd"
	"github.com/stretchr/testify/require"
)

// compressing is Dovecot with mail_compress, which is the plugin zlib in 2.3, saving with method.
func compressing(method string) string {
	return "mail_plugins = quota zlib\nplugin {\n  zlib_save = " + method + "\n  quota = maildir:User quota\n  quota_rule = *:bytes=9000000\n}\n"
}

// sizes returns "uid physical/virtual" of each message as Dovecot has them.
func (d *dovecot) sizes(mailbox string) (out []string) {
	d.t.Helper()
	for line := range strings.Lines(d.run("", "-f", "tab", "fetch", "uid size.physical size.virtual", "mailbox", mailbox, "all")) {
		if f := strings.Fields(line); f[0] != "uid" {
			out = append(out, f[0]+" "+f[1]+"/"+f[2])
		}
	}
	return out
}

// texts returns the messages of INBOX as Dovecot reads them, with LF line ends.
func (d *dovecot) texts() (out []string) {
	d.t.Helper()
	all := d.run("", "-f", "pager", "fetch", "text", "mailbox", "INBOX", "all")
	for _, text := range strings.Split(all, "text:\n")[1:] {
		out = append(out, strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\f\n"))
	}
	return out
}

// TestDovecotCompressed has Dovecot and us save compressed messages into one mailbox: each reads what the other saved, with the same sizes, and
// both count the same towards a quota.
func TestDovecotCompressed(t *testing.T) {
	d := newDovecot(t, compressing("gz"))
	ctx := t.Context()
	configuration, err := os.ReadFile(d.dir + "/dovecot.conf")
	require.NoError(t, err)
	want := map[mail.UID]string{}
	theirs := func(content string) {
		d.run(content, "save", "-m", "INBOX")
		want[mail.UID(len(want)+1)] = strings.ReplaceAll(strings.ReplaceAll(content, "\r\n", "\n"), "\n", "\r\n")
	}
	large := long(5000)
	for _, method := range []string{"gz", "bz2", "zstd"} {
		require.NoError(t, os.WriteFile(d.dir+"/dovecot.conf", []byte(strings.ReplaceAll(string(configuration), "zlib_save = gz", "zlib_save = "+method)), 0o644))
		theirs("Subject: lf\n\nhello " + method + "\n")
		theirs("Subject: crlf\r\n\r\nhello\r\n" + strings.Repeat("again\r\n", 50))
		theirs(large)
	}
	files, err := filepath.Glob(d.mail + "/new/*,S=*")
	require.NoError(t, err)
	require.Len(t, files, 9)
	for _, f := range files { // as they should be for what follows to test anything
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		require.NotNil(t, compress.Find(compress.Known(), b), f)
	}

	open := func(s *maildir.Store) mail.Mailbox {
		s.PathFunc = func(string) (string, error) { return d.mail, nil }
		s.Poll, s.Codecs = -1, []compress.Codec{zstd.Codec(0)}
		a, err := s.Account(ctx, "alice")
		require.NoError(t, err)
		m, err := a.Open(ctx, "INBOX")
		require.NoError(t, err)
		t.Cleanup(func() { m.Close(); a.Close() })
		return m
	}
	agree := func(m mail.Mailbox) {
		t.Helper()
		d.same("INBOX", m)
		var sizes, texts []string
		for msg, err := range m.Messages(ctx, mail.AllUIDs(), mail.FieldSize) {
			require.NoError(t, err)
			sizes = append(sizes, fmt.Sprint(msg.UID, " ", msg.Size))
			content, err := readBody(ctx, m, msg.UID)
			require.NoError(t, err)
			require.Equal(t, want[msg.UID], content)
			texts = append(texts, strings.TrimRight(strings.ReplaceAll(content, "\r\n", "\n"), "\n"))
		}
		for i, line := range d.sizes("INBOX") {
			uid, both, _ := strings.Cut(line, " ")
			_, virtual, _ := strings.Cut(both, "/")
			require.Equal(t, sizes[i], uid+" "+virtual)
		}
		require.Len(t, sizes, len(want))
		for i, text := range d.texts() {
			require.True(t, text == texts[i], "message %d: %.200q", i+1, text)
		}
		require.Len(t, d.texts(), len(texts))
	}
	agree(open(&maildir.Store{}))
	for _, s := range []*maildir.Store{
		{Compress: compress.Gzip(0)}, {Compress: zstd.Codec(0)}, {Compress: compress.Gzip(9), LF: true}, {Compress: zstd.Codec(19), LF: true}, {},
	} {
		m := open(s)
		for _, content := range []string{"Subject: ours\r\n\r\nbody\r\n", large, "Subject: s\r\n\r\n" + strings.Repeat("line\r\n", 300)} {
			uid := addTo(t, m, content).UIDs[0]
			want[uid] = content
		}
		agree(m)
	}
	m := open(&maildir.Store{})
	copied, err := m.Copy(ctx, mail.UIDSetOf(4, 10), m.Info().ID, nil)
	require.NoError(t, err)
	for i, uid := range copied.To {
		want[uid] = want[copied.From[i]]
	}
	d.run("", "copy", "INBOX", "mailbox", "INBOX", "uid", "1")
	want[mail.UID(len(want)+1)] = want[1]
	agree(m)

	// What we and Dovecot have counted is what there is by Dovecot's count.
	usage := func() string {
		b, err := os.ReadFile(d.mail + "/maildirsize")
		require.NoError(t, err)
		bytes, messages := 0, 0
		for line := range strings.Lines(string(b)) {
			var n, c int
			if _, err := fmt.Sscanf(line, "%d %d\n", &n, &c); err == nil {
				bytes, messages = bytes+n, messages+c
			}
		}
		return fmt.Sprint(bytes, " ", messages)
	}
	was := usage()
	d.run("", "quota", "recalc")
	require.Equal(t, usage(), was)
	d.run("", "force-resync", "*")
	require.NoError(t, os.Remove(d.mail+"/buuta.index.log"))
	agree(open(&maildir.Store{}))
}
