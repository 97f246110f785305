package maildir_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/compress/zstd"
	"github.com/buuta/mail/maildir/storetest"
	"github.com/stretchr/testify/require"
)

// packed returns what c makes of s.
func packed(t testing.TB, c compress.Codec, s string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	require.NoError(t, err)
	_, err = io.WriteString(w, s)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// long is a message that doesn't fit into memory as Limits have it. Its lines can be compressed by half.
func long(lines int) string {
	var b strings.Builder
	b.WriteString("Subject: long\r\n\r\n")
	r := rand.New(rand.NewPCG(1, 2))
	for range lines {
		fmt.Fprintf(&b, "%016x%016x%016x%016x\r\n", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
	}
	return b.String()
}

// A store that compresses is a store still.
func TestContractCompressed(t *testing.T) {
	fewer(t)
	storetest.Run(t, func(t *testing.T) mail.Store {
		return &maildir.Store{
			Path: t.TempDir() + "/%d/%n", NoSync: true, UserQuota: true, Compress: zstd.Codec(0),
			Limits: maildir.Limits{DecodedMemory: 64}, // nearly all lie in files when they are read
		}
	})
	t.Run("LF", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) mail.Store {
			return &maildir.Store{Path: "/mail/%d/%n", FS: vfs.NewCrash(), NoSync: true, UserQuota: true, LF: true, Compress: compress.Gzip(1)}
		})
	})
}

// What is saved compressed is named by the sizes that it has when it is not, reads as it was, in any part, and still does so when the
// index is made anew and when a Store that doesn't compress reads it.
func TestCompressed(t *testing.T) {
	t.Parallel()
	small, large := "Subject: a\r\n\r\n"+strings.Repeat("hello\r\n", 100), long(3000)
	for _, codec := range []compress.Codec{compress.Gzip(0), compress.Gzip(9), zstd.Codec(1), zstd.Codec(22)} {
		for _, lf := range []bool{false, true} {
			t.Run(fmt.Sprint(codec.Name, lf), func(t *testing.T) {
				r := newRig(t)
				r.s.Compress, r.s.LF = codec, lf
				m := r.open("INBOX")
				for _, s := range []string{small, large, "", "x"} {
					addTo(t, m, s)
				}
				was := r.show(m)
				lines := strings.Count(small, "\n")
				want := fmt.Sprintf(",S=%d,W=%d", len(small), len(small))
				if lf {
					want = fmt.Sprintf(",S=%d,W=%d", len(small)-lines, len(small))
				}
				name := r.files("new")[0]
				require.True(t, strings.HasSuffix(name, want), name)
				require.True(t, strings.HasPrefix(r.read("new/"+name), codec.Magic))
				require.Less(t, len(r.read("new/"+name)), len(small)/2)
				ranges(t, m, 2, large)
				require.Empty(t, r.files("tmp"))

				st := r.state(m)
				require.Equal(t, int64(len(small)+len(large)+1), st.Size)
				r.remove("buuta.index.log")
				r.remove("buuta.index.cache")
				r.restart()
				r.s.Codecs = []compress.Codec{codec}
				m = r.open("INBOX")
				require.Equal(t, was, r.show(m))
				ranges(t, m, 2, large)
				found, err := m.(mail.TextSearcher).SearchText(t.Context(), mail.AllUIDs(), mail.TextQuery{In: mail.InBody, Text: "HELLO hello"})
				require.NoError(t, err)
				require.Equal(t, "1", found.String())
				left, err := r.s.Check(t.Context(), "u", &maildir.CheckOptions{Found: func(f maildir.Fault) { t.Error(f) }})
				require.NoError(t, err)
				require.Zero(t, left)
			})
		}
	}
}

// ranges reads a message here and there, from many goroutines.
func ranges(t *testing.T, m mail.Mailbox, uid mail.UID, want string) {
	t.Helper()
	b, err := m.OpenBody(t.Context(), uid)
	require.NoError(t, err)
	defer b.Close()
	require.Equal(t, int64(len(want)), b.Size())
	done := make(chan error)
	for seed := range 4 {
		go func() {
			r := rand.New(rand.NewPCG(uint64(seed), 0))
			for range 50 {
				p := make([]byte, 1+r.IntN(5000))
				off := r.Int64N(int64(len(want)))
				n, err := b.ReadAt(p, off)
				if n < len(p) && err != io.EOF || string(p[:n]) != want[off:min(off+int64(len(p)), int64(len(want)))] {
					done <- fmt.Errorf("at %d of %d: %d octets, %w", off, len(want), n, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	_, err = b.ReadAt(make([]byte, 1), int64(len(want)))
	require.ErrorIs(t, err, io.EOF)
}

// Files that others have compressed are read, whatever their names say. Those that are damaged, or only look as if they were compressed, are shown as
// far as they go.
func TestCompressedByOthers(t *testing.T) {
	gz := compress.Gzip(0)
	const lf, crlf = "Subject: a\n\nhello\n", "Subject: a\r\n\r\nhello\r\n"
	all := packed(t, gz, strings.Repeat(lf, 1000))
	bz2, err := exec.Command("sh", "-c", "printf 'Subject: a\\n\\nhello\\n' | bzip2").Output()
	require.NoError(t, err)
	bomb := packed(t, gz, strings.Repeat("\n", 20<<20))
	for name, c := range map[string]struct {
		file, content string
		want          string
		begins        bool // want is only the beginning
		faults        []maildir.FaultKind
	}{
		"no sizes":        {"1.a", packed(t, gz, lf), crlf, false, nil},
		"Z is no matter":  {"1.a:2,SZ", packed(t, gz, lf), crlf, false, nil},
		"plain with Z":    {"1.a:2,SZ", lf, crlf, false, nil},
		"right sizes":     {"1.a,S=18,W=21:2,", packed(t, gz, lf), crlf, false, nil},
		"wrong sizes":     {"1.a,S=5,W=7:2,", packed(t, gz, lf), crlf, false, []maildir.FaultKind{maildir.FaultSize}},
		"size of file":    {fmt.Sprintf("1.a,S=%d", len(all)), all, strings.Repeat(crlf, 1000), false, []maildir.FaultKind{maildir.FaultSize}},
		"size too large":  {"1.a,S=1000,W=1010", packed(t, gz, lf), crlf, false, []maildir.FaultKind{maildir.FaultSize}},
		"large too large": {"1.a,S=1000000,W=1000000", packed(t, gz, lf), "", true, []maildir.FaultKind{maildir.FaultSize}},
		"several members": {"1.a", packed(t, gz, lf) + packed(t, gz, lf), crlf + crlf, false, nil},
		"bzip2":           {"1.a", string(bz2), crlf, false, nil},
		"torn":            {"1.a", all[:len(all)-4], strings.Repeat(crlf, 1000), false, []maildir.FaultKind{maildir.FaultPacked}},
		"torn in a head":  {"1.a", all[:5], all[:5], false, []maildir.FaultKind{maildir.FaultPacked}},
		"other method":    {"1.a", "\x1f\x8b\x07abc\n", "\x1f\x8b\x07abc\r\n", false, nil},
		"only magic":      {"1.a", "\x1f\x8b\x08\xffabc\n", "\x1f\x8b\x08\xffabc\r\n", false, []maildir.FaultKind{maildir.FaultPacked}},
		"bomb by name":    {"1.a,S=18,W=21", bomb, "\x1f\x8b\x08", true, []maildir.FaultKind{maildir.FaultPacked}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			where := "new/"
			if strings.Contains(c.file, ":") {
				where = "cur/"
			}
			r.write(where+c.file, c.content)
			for _, d := range []string{"new", "cur", "tmp"} {
				require.NoError(t, r.fs.MkdirAll(root+"/"+d, 0o700))
			}
			m := r.open("INBOX")
			for try := range 2 { // what was wrong is put right by the second look
				b, err := m.OpenBody(t.Context(), 1)
				require.NoError(t, err)
				got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
				size := b.Size()
				require.NoError(t, b.Close())
				if try == 0 && name == "large too large" {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
					continue
				}
				require.NoError(t, err)
				if c.begins {
					require.True(t, strings.HasPrefix(string(got), c.want))
				} else {
					require.Equal(t, c.want, string(got))
				}
				require.Equal(t, size, r.state(m).Size)
			}
			require.Empty(t, r.files("tmp"))
			var kinds []maildir.FaultKind
			_, err := r.s.Check(t.Context(), "u", &maildir.CheckOptions{Found: func(f maildir.Fault) { kinds = append(kinds, f.Kind) }})
			require.NoError(t, err)
			require.Equal(t, c.faults, kinds)
		})
	}
}

// More than Limits.Decoded is never made of a file, and a Store without the codec doesn't show what clients would keep for ever.
func TestCompressedLimits(t *testing.T) {
	r := newRig(t)
	r.s.Limits.Decoded = 1 << 20
	bomb := packed(t, compress.Gzip(0), strings.Repeat("\r\n", 2<<20))
	r.write("new/1.a", bomb)
	r.write("new/2.a,S=4194304,W=4194304", bomb)
	r.write("new/3.a,S=7,W=7", packed(t, zstd.Codec(0), "A: b\r\n\r\n"))
	m := r.open("INBOX")
	for uid := mail.UID(1); uid <= 2; uid++ {
		b, err := m.OpenBody(t.Context(), uid)
		require.NoError(t, err)
		require.Less(t, b.Size(), int64(len(bomb))+1000)
		require.NoError(t, b.Close())
	}
	_, err := m.OpenBody(t.Context(), 3)
	require.ErrorContains(t, err, "zstd")
	require.Empty(t, r.files("tmp"))
	r.restart()
	r.s.Codecs = []compress.Codec{zstd.Codec(0)}
	got, err := readBody(t.Context(), r.open("INBOX"), 3)
	require.NoError(t, err)
	require.Equal(t, "A: b\r\n\r\n", got)
}

// What looks compressed when it is saved comes out as it went in.
func TestSavedLooksCompressed(t *testing.T) {
	for _, codec := range []compress.Codec{{}, compress.Gzip(0), zstd.Codec(0)} {
		r := newRig(t)
		r.s.Compress, r.s.Codecs = codec, []compress.Codec{zstd.Codec(0)}
		m := r.open("INBOX")
		for _, c := range append(compress.Known(), compress.Codec{Magic: "\x1f\x8b\x00"}) {
			want := strings.ReplaceAll(c.Magic, "?", "9") + "and more\r\n"
			addTo(t, m, want)
			a, err := m.Append(t.Context())
			require.NoError(t, err)
			require.NoError(t, a.Add(t.Context(), byOne{strings.NewReader(want)}, nil))
			out, err := a.Commit(t.Context())
			require.NoError(t, err)
			got, err := readBody(t.Context(), m, out.UIDs[0])
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		want := packed(t, compress.Gzip(0), "Subject: a\r\n\r\n")
		got, err := readBody(t.Context(), m, addTo(t, m, want).UIDs[0])
		require.NoError(t, err)
		lf := strings.NewReplacer("\r\n", "\n")
		require.Equal(t, lf.Replace(want), lf.Replace(got))
	}
}

type byOne struct{ r io.Reader }

func (b byOne) Read(p []byte) (int, error) { return b.r.Read(p[:min(len(p), 1)]) }

// Copies and moves of compressed messages are links to them; quotas count what Dovecot counts, the sizes before compression.
func TestCompressedCopyAndQuota(t *testing.T) {
	r := newRig(t)
	r.s.Compress, r.s.Quota = compress.Gzip(0), maildir.Quota{Storage: 100000}
	m := r.open("INBOX")
	a, err := r.s.Account(t.Context(), "u")
	require.NoError(t, err)
	defer a.Close()
	other, err := a.Create(t.Context(), "Other", nil)
	require.NoError(t, err)
	want := "Subject: a\r\n\r\n" + strings.Repeat("hello\r\n", 5000)
	uid := addTo(t, m, want).UIDs[0]
	_, err = m.Copy(t.Context(), mail.UIDSetOf(uid), other.ID, nil)
	require.NoError(t, err)
	_, err = m.Copy(t.Context(), mail.UIDSetOf(uid), other.ID, nil)
	require.ErrorIs(t, err, mail.ErrOverQuota)
	_, err = m.Copy(t.Context(), mail.UIDSetOf(uid), other.ID, &mail.CopyOptions{Move: true})
	require.NoError(t, err)
	o := r.open("Other")
	for uid := mail.UID(1); uid <= 2; uid++ {
		got, err := readBody(t.Context(), o, uid)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Contains(t, r.read("maildirsize"), "100000S\n")
	_, err = r.s.Check(t.Context(), "u", &maildir.CheckOptions{Found: func(f maildir.Fault) { t.Error(f) }})
	require.NoError(t, err)
}
