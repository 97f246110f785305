package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/archive"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/compress/zstd"
	"github.com/stretchr/testify/require"
)

// account returns an empty account and the folder it lies in.
func account(t *testing.T, codec ...compress.Codec) (mail.Account, string) {
	dir := t.TempDir()
	s := &maildir.Store{PathFunc: func(string) (string, error) { return dir, nil }, NoSync: true, Poll: -1}
	for _, c := range codec {
		s.Compress = c
	}
	a, err := s.Account(t.Context(), "alice")
	require.NoError(t, err)
	t.Cleanup(func() { a.Close() })
	return a, dir
}

// content is all that an account has, a line a message.
func content(t *testing.T, a mail.Account) (out []string) {
	t.Helper()
	ctx := t.Context()
	for info, err := range a.Mailboxes(ctx) {
		require.NoError(t, err)
		m, err := a.Open(ctx, info.Name)
		require.NoError(t, err)
		out = append(out, info.Name)
		for msg, err := range m.Messages(ctx, mail.AllUIDs(), mail.FieldFlags|mail.FieldDate) {
			require.NoError(t, err)
			b, err := m.OpenBody(ctx, msg.UID)
			require.NoError(t, err)
			text, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
			require.NoError(t, err)
			require.NoError(t, b.Close())
			out = append(out, fmt.Sprintf("%s %s %s %q", info.Name, msg.InternalDate.UTC().Format(time.RFC3339), msg.Flags.Names(), text))
		}
		require.NoError(t, m.Close())
	}
	return out
}

// filled returns an account with messages of many kinds.
func filled(t *testing.T, codec ...compress.Codec) (mail.Account, string) {
	a, dir := account(t, codec...)
	ctx := t.Context()
	for i, box := range []string{"INBOX", "Lists/Việt", "a.b & c", "empty"} {
		if box != "INBOX" {
			_, err := a.Create(ctx, box, nil)
			require.NoError(t, err)
		}
		if box == "empty" {
			break
		}
		m, err := a.Open(ctx, box)
		require.NoError(t, err)
		ap, err := m.Append(ctx)
		require.NoError(t, err)
		for j, text := range []string{
			"Subject: plain\r\n\r\nhello\r\n",
			"Subject: from\r\n\r\nFrom here\r\n>From there\r\n>>From >From\r\n\r\nFrom alice@example.org Mon Jan  2 15:04:05 2006\r\nfrom\r\n",
			"Return-Path: <bob@example.org>\r\nStatus: mine\r\nX-Keywords: too\r\n\r\n\r\n\r\nblank lines\r\n\r\n\r\n",
			"Subject: no body\r\n\r\n",
			"Content-Length: 5\r\n\r\nlonger than that\r\n",
			"Subject: long\r\n\r\n" + strings.Repeat("From x ", 30000) + "\r\n" + strings.Repeat("\r\n", 9000) + "end\r\n",
			"Subject: octets\r\n\r\n\xff\xfe\x80\r\n",
		} {
			flags := mail.NewFlags([][]string{{}, {`\Seen`}, {`\Answered`, `\Flagged`, "$Forwarded"}, {`\Deleted`, `\Draft`, `\Seen`, "urgent", "x"}}[(i+j)%4]...)
			require.NoError(t, ap.Add(ctx, strings.NewReader(text), &mail.AppendOptions{Flags: flags, InternalDate: time.Unix(int64(1e9+i*1000+j), 0)}))
		}
		_, err = ap.Commit(ctx)
		require.NoError(t, err)
		require.NoError(t, m.Close())
	}
	return a, dir
}

func TestRoundTrips(t *testing.T) {
	for name, codec := range map[string]compress.Codec{"plain": {}, "gz": compress.Gzip(1), "zstd": zstd.Codec(1)} {
		t.Run(name, func(t *testing.T) { roundTrips(t, codec) })
	}
}

func roundTrips(t *testing.T, codec compress.Codec) {
	from, tree := filled(t, codec)
	want := content(t, from)
	ctx := t.Context()
	for name, through := range map[string]func(dir string) archive.Source{
		"mbox": func(dir string) archive.Source {
			w, err := archive.CreateMbox(dir)
			require.NoError(t, err)
			_, err = archive.Copy(ctx, w, &archive.Account{Account: from}, nil)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			src, err := archive.OpenMbox(os.DirFS(dir), ".", "", archive.MboxRD)
			require.NoError(t, err)
			return src
		},
		"eml": func(dir string) archive.Source {
			w, err := archive.CreateEML(dir)
			require.NoError(t, err)
			_, err = archive.Copy(ctx, w, &archive.Account{Account: from}, nil)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			src, err := archive.OpenEML(os.DirFS(dir), ".", "")
			require.NoError(t, err)
			return src
		},
		"Maildir": func(string) archive.Source {
			src, err := archive.OpenMaildir(os.DirFS(tree), ".", "")
			require.NoError(t, err)
			src.Codecs = append(src.Codecs, codec)
			return src
		},
		"account": func(string) archive.Source { return &archive.Account{Account: from} },
	} {
		t.Run(name, func(t *testing.T) {
			to, _ := account(t)
			src := through(t.TempDir())
			dst := &archive.Account{Account: to}
			p, err := archive.Copy(ctx, dst, src, nil)
			require.NoError(t, err)
			require.NoError(t, src.Close())
			require.NoError(t, dst.Close())
			require.Equal(t, 21, p.Messages)
			got := content(t, to)
			if name == "Maildir" { // in the order of their files' names, which here is the order in which they came
				require.ElementsMatch(t, want, got)
				return
			}
			require.Equal(t, want, got)
		})
	}
}

// A copy that is stopped anywhere goes on from its token as if it had not been stopped.
func TestResume(t *testing.T) {
	from, tree := filled(t)
	want := content(t, from)
	type target interface {
		archive.Target
	}
	sources := map[string]func() archive.Source{
		"account": func() archive.Source { return &archive.Account{Account: from} },
		"Maildir": func() archive.Source {
			src, err := archive.OpenMaildir(os.DirFS(tree), ".", "")
			require.NoError(t, err)
			return src
		},
	}
	boxes := t.TempDir()
	w, err := archive.CreateMbox(boxes)
	require.NoError(t, err)
	_, err = archive.Copy(t.Context(), w, &archive.Account{Account: from}, nil)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	sources["mbox"] = func() archive.Source {
		src, err := archive.OpenMbox(os.DirFS(boxes), ".", "", archive.MboxRD)
		require.NoError(t, err)
		return src
	}
	for name, source := range sources {
		for kind := range map[string]bool{"account": true, "mbox": true, "eml": true} {
			t.Run(name+" to "+kind, func(t *testing.T) {
				to, _ := account(t)
				dir := t.TempDir()
				open := func() target {
					var out target
					var err error
					switch kind {
					case "account":
						return &archive.Account{Account: to}
					case "mbox":
						out, err = archive.CreateMbox(dir)
					default:
						out, err = archive.CreateEML(dir)
					}
					require.NoError(t, err)
					return out
				}
				token, total := "", 0
				for run := 0; ; run++ {
					require.Less(t, run, 50)
					ctx, stop := context.WithCancel(t.Context())
					dst, src := open(), source()
					p, err := archive.Copy(ctx, dst, src, &archive.Options{Token: token, Batch: 2, Progress: func(archive.Progress) { stop() }})
					total += p.Messages
					if kind != "account" || run%2 == 0 { // every other time it ends as if the machine had stopped
						dst.Close()
					}
					src.Close()
					stop()
					token = p.Token
					if err == nil {
						break
					}
					require.ErrorIs(t, err, context.Canceled)
				}
				require.Equal(t, 21, total)
				switch kind {
				case "mbox":
					src, err := archive.OpenMbox(os.DirFS(dir), ".", "", archive.MboxRD)
					require.NoError(t, err)
					_, err = archive.Copy(t.Context(), &archive.Account{Account: to}, src, nil)
					require.NoError(t, err)
				case "eml":
					src, err := archive.OpenEML(os.DirFS(dir), ".", "")
					require.NoError(t, err)
					_, err = archive.Copy(t.Context(), &archive.Account{Account: to}, src, nil)
					require.NoError(t, err)
				}
				require.ElementsMatch(t, want, content(t, to))
			})
		}
	}
}

// With an Origin, what is begun again without a token is not doubled.
func TestOrigin(t *testing.T) {
	from, _ := filled(t)
	to, _ := account(t)
	for range 2 {
		_, err := archive.Copy(t.Context(), &archive.Account{Account: to, Origin: "alice"}, &archive.Account{Account: from}, &archive.Options{Batch: 1})
		require.NoError(t, err)
	}
	require.Equal(t, content(t, from), content(t, to))
}

func TestBadTokens(t *testing.T) {
	from, _ := filled(t)
	to, _ := account(t)
	for _, token := range []string{"x", "e30", "!", "eyJwIjoie1wiYlwiOlwibm9uZVwifSJ9"} {
		_, err := archive.Copy(t.Context(), &archive.Account{Account: to}, &archive.Account{Account: from}, &archive.Options{Token: token})
		require.ErrorIs(t, err, archive.ErrToken, token)
	}
}

// One message that can't be taken costs no other.
func TestSkip(t *testing.T) {
	dir := t.TempDir()
	s := &maildir.Store{PathFunc: func(string) (string, error) { return dir, nil }, NoSync: true, Limits: maildir.Limits{MessageSize: 100}}
	to, err := s.Account(t.Context(), "alice")
	require.NoError(t, err)
	defer to.Close()
	files := fstest.MapFS{"1.eml": {Data: []byte("a: b\n\nc\n")}, "2.eml": {Data: make([]byte, 200)}, "3.EML": {Data: []byte("d: e\r\n")}, "other.txt": {Data: []byte("x")}}
	src, err := archive.OpenEML(files, ".", "In/Here")
	require.NoError(t, err)
	var skipped []string
	p, err := archive.Copy(t.Context(), &archive.Account{Account: to}, src, &archive.Options{Skip: func(e *archive.MessageError) error {
		require.ErrorIs(t, e, mail.ErrTooLarge)
		skipped = append(skipped, e.ID)
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"2.eml"}, skipped)
	require.Equal(t, [2]int{2, 1}, [2]int{p.Messages, p.Skipped})
	got := content(t, to)
	require.Len(t, got, 5) // INBOX, In, In/Here and two messages
	src, err = archive.OpenEML(files, ".", "")
	require.NoError(t, err)
	_, err = archive.Copy(t.Context(), &archive.Account{Account: to}, src, nil)
	require.ErrorIs(t, err, mail.ErrTooLarge)
	var one *archive.MessageError
	require.True(t, errors.As(err, &one))
}

func TestRename(t *testing.T) {
	from, _ := filled(t)
	dir := t.TempDir()
	w, err := archive.CreateMbox(dir)
	require.NoError(t, err)
	_, err = archive.Copy(t.Context(), w, &archive.Account{Account: from}, &archive.Options{Rename: func(name string) (string, bool) {
		return "old/" + name, name != "empty"
	}})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	var files []string
	require.NoError(t, filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if !info.IsDir() {
			files = append(files, strings.TrimPrefix(p, dir))
		}
		return err
	}))
	slices.Sort(files)
	require.Equal(t, []string{"/old/INBOX.mbox", "/old/Lists.mbox", "/old/Lists/Việt.mbox", "/old/a.b & c.mbox"}, files)
	// What is there is not written over.
	w, err = archive.CreateMbox(dir)
	require.NoError(t, err)
	defer w.Close()
	_, err = archive.Copy(t.Context(), w, &archive.Account{Account: from}, &archive.Options{Rename: func(name string) (string, bool) { return "old/" + name, true }})
	require.ErrorIs(t, err, os.ErrExist)
}
