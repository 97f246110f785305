package maildir_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
)

// textBox opens INBOX of a store.
func textBox(t testing.TB, s *maildir.Store) mail.Mailbox {
	t.Helper()
	a, err := s.Account(context.Background(), "u")
	require.NoError(t, err)
	m, err := a.Open(context.Background(), "INBOX")
	require.NoError(t, err)
	t.Cleanup(func() { m.Close(); a.Close() })
	return m
}

func addTexts(t testing.TB, m mail.Mailbox, texts ...string) {
	t.Helper()
	a, err := m.Append(t.Context())
	require.NoError(t, err)
	defer a.Abort()
	for _, s := range texts {
		require.NoError(t, a.Add(t.Context(), strings.NewReader(s), nil))
	}
	_, err = a.Commit(t.Context())
	require.NoError(t, err)
}

func findText(t testing.TB, m mail.Mailbox, text string) string {
	t.Helper()
	got, err := m.(mail.TextSearcher).SearchText(t.Context(), mail.AllUIDs(), mail.TextQuery{In: mail.InText, Text: text})
	require.NoError(t, err)
	return got.String()
}

// The same in a store that keeps no texts.
func TestSearchTextUncached(t *testing.T) {
	dir := t.TempDir()
	m := textBox(t, &maildir.Store{Path: dir, NoSync: true, NoTextCache: true})
	addTexts(t, m, "Subject: one\r\n\r\nbody\r\n", "Subject: two\r\n\r\nbody\r\n")
	require.Equal(t, "1:2", findText(t, m, "body"))
	require.Equal(t, "2", findText(t, m, "TWO"))
	_, err := os.Stat(dir + "/buuta.text")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// What a site sets makes texts known that weren't; texts that were kept before are made again.
func TestSearchTextOptions(t *testing.T) {
	dir := t.TempDir()
	m := textBox(t, &maildir.Store{Path: dir, NoSync: true})
	addTexts(t, m, "Content-Type: text/plain; charset=x-viet-tcvn\r\n\r\nH\xe3a \xae\xacn\r\n",
		"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n")
	require.Equal(t, "", findText(t, m, "hoa don"))
	m = textBox(t, &maildir.Store{Path: dir, NoSync: true, CharsetReader: charset.NewReader})
	require.Equal(t, "1", findText(t, m, "hoa don"))
	m = textBox(t, &maildir.Store{Path: dir, NoSync: true, CharsetReader: charset.NewReader,
		AttachmentText: func(p *mime.Part, content io.Reader, w io.Writer) (bool, error) {
			_, err := fmt.Fprint(w, "Hóa đơn ", p.Subtype, " ")
			if err == nil {
				_, err = io.Copy(w, content)
			}
			return true, err
		}})
	require.Equal(t, "1:2", findText(t, m, "hoa don"))
	require.Equal(t, "2", findText(t, m, "don pdf abc"))
}

// The cache's files may be damaged in any way, the mailbox be changed by others, the machine stop: the answer is right.
func TestSearchTextDamage(t *testing.T) {
	dir := t.TempDir()
	s := &maildir.Store{Path: dir, NoSync: true}
	m := textBox(t, s)
	var texts []string
	for n := range 1100 {
		texts = append(texts, fmt.Sprintf("Subject: message %d\r\n\r\nbody of %d\r\n", n, n*3))
	}
	addTexts(t, m, texts...)
	require.Equal(t, "1:1100", findText(t, m, "message"))
	for name, damage := range map[string]func() error{
		"nothing":  func() error { return nil },
		"no text":  func() error { return os.Remove(dir + "/buuta.text") },
		"no index": func() error { return os.Remove(dir + "/buuta.text.index") },
		"short":    func() error { return os.Truncate(dir+"/buuta.text", 5000) },
		"empty":    func() error { return os.Truncate(dir+"/buuta.text", 0) },
		"long":     func() error { return os.WriteFile(dir+"/buuta.text.index", []byte(strings.Repeat("x", 1<<20)), 0o600) },
	} {
		require.NoError(t, damage(), name)
		require.Equal(t, "1001", findText(t, m, "body of 3000"), name)
		require.Equal(t, "1:1100", findText(t, m, "message"), name)
	}
	names, err := os.ReadDir(dir + "/new")
	require.NoError(t, err)
	for _, n := range names[:1000] { // by another program
		require.NoError(t, os.Remove(dir+"/new/"+n.Name()))
	}
	_, err = m.State(t.Context())
	require.NoError(t, err)
	require.Equal(t, "1001", findText(t, m, "body of 3000"))
	require.Equal(t, "1001:1100", findText(t, m, "message"))
}

// A crash at any operation of a search loses nothing but work.
func TestSearchTextCrash(t *testing.T) {
	for at := 1; ; at++ {
		fs := vfs.NewCrash()
		m := textBox(t, &maildir.Store{Path: "/mail", FS: fs, Poll: -1})
		addTexts(t, m, "Subject: one\r\n\r\nfirst\r\n", "Subject: two\r\n\r\nsecond\r\n")
		fs.CrashAt(at)
		_, err := m.(mail.TextSearcher).SearchText(t.Context(), mail.AllUIDs(), mail.TextQuery{Text: "second"})
		if fs.Ops() < at {
			require.NoError(t, err)
			require.Greater(t, at, 5)
			return
		}
		fs = fs.Recover(rand.New(rand.NewPCG(uint64(at), 1)))
		later := func() time.Time { return time.Now().Add(3 * time.Minute) } // old locks are stale
		m = textBox(t, &maildir.Store{Path: "/mail", FS: fs, Poll: -1, Now: later})
		require.Equal(t, "2", findText(t, m, "second"))
		addTexts(t, m, "Subject: three\r\n\r\nsecond\r\n")
		require.Equal(t, "2:3", findText(t, m, "second"))
	}
}
