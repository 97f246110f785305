package compress_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/compress/zstd"
	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	known := compress.Known()
	for head, want := range map[string]string{
		"\x1f\x8b\x08\x00": "gz", "\x1f\x8b\x07": "", "\x1f\x8b": "", "": "", "Subject: a": "",
		"BZh91AY&SY": "bz2", "BZh11AY&SY\x00": "bz2", "BZh9: a head": "", "\x28\xb5\x2f\xfd": "zstd", "\xfd7zXZ\x00": "xz", "Dovecot-LZ4\x0d\x2a\x9b\xc5": "lz4",
	} {
		c := compress.Find(known, []byte(head))
		if want == "" {
			require.Nil(t, c, "%q", head)
			continue
		}
		require.NotNil(t, c, "%q", head)
		require.Equal(t, want, c.Name)
		require.LessOrEqual(t, len(c.Magic), compress.MaxMagic)
	}
	require.False(t, new(compress.Codec).Match([]byte("any")))
}

// Readers and writers that are used again begin anew, also after an error, and closing twice does nothing.
func TestReuse(t *testing.T) {
	for _, c := range []compress.Codec{compress.Gzip(0), compress.Gzip(1), zstd.Codec(0), zstd.Codec(22)} {
		t.Run(c.Name, func(t *testing.T) {
			for i := range 3 {
				want := strings.Repeat("hello ", 10000*(i+1))
				var b bytes.Buffer
				w, err := c.NewWriter(&b)
				require.NoError(t, err)
				_, err = io.WriteString(w, want)
				require.NoError(t, err)
				require.NoError(t, w.Close())
				require.NoError(t, w.Close())
				require.True(t, c.Match(b.Bytes()))
				all := b.String()
				for _, torn := range []string{all, all[:len(all)/2], all[:5], "no " + all, all} {
					r, err := c.NewReader(strings.NewReader(torn))
					if err == nil {
						var got []byte
						if got, err = io.ReadAll(r); torn == all {
							require.Equal(t, want, string(got))
						}
						require.NoError(t, r.Close())
						require.NoError(t, r.Close())
					}
					require.Equal(t, torn == all, err == nil, "%d: %v", len(torn), err)
				}
			}
		})
	}
	_, err := compress.Gzip(0).NewReader(bytes.NewReader(nil))
	require.ErrorIs(t, err, io.EOF)
	var failed io.ReadCloser
	failed, err = zstd.Codec(0).NewReader(failing{})
	if err == nil {
		_, err = io.ReadAll(failed)
	}
	require.ErrorIs(t, err, os.ErrPermission)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrPermission }
