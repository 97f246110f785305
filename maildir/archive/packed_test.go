package archive_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/buuta/mail/maildir/archive"
	"github.com/buuta/mail/maildir/compress"
	"github.com/stretchr/testify/require"
)

// What is compressed in a foreign Maildir comes out as a message, what only seems to be as it is, and what can't be had is that message's
// error and no other's.
func TestPackedFiles(t *testing.T) {
	packed := func(text string) []byte {
		var b bytes.Buffer
		z, err := compress.Gzip(6).NewWriter(&b)
		require.NoError(t, err)
		_, err = io.WriteString(z, text)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	bomb := packed("Subject: b\n\n" + strings.Repeat("x", 1<<20))
	whole := packed("Subject: a\n\nhello\n")
	files := fstest.MapFS{}
	for name, content := range map[string][]byte{
		"1.plain": []byte("Subject: p\r\n\r\n"), "2.gz": whole, "3.torn": whole[:len(whole)-9], "4.seems": []byte("\x1f\x8b\x08 no gzip at all\n"),
		"5.bomb": bomb, "6.xz": []byte("\xfd7zXZ\x00rest"), "7.empty": {}, "8.short": []byte("x"),
	} {
		files["cur/"+name+":2,S"] = &fstest.MapFile{Data: content}
	}
	m, err := archive.OpenMaildir(files, ".", "")
	require.NoError(t, err)
	m.Decoded = 1 << 20
	got := map[string]string{}
	for {
		msg, err := m.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			var e *archive.MessageError
			require.ErrorAs(t, err, &e)
			got[strings.TrimSuffix(strings.TrimPrefix(e.ID, "cur/"), ":2,S")] = "error: " + e.Err.Error()
			continue
		}
		text, err := io.ReadAll(msg.Body)
		if err != nil {
			require.ErrorAs(t, err, new(*archive.MessageError))
			text = []byte("error: " + err.Error())
		}
		got[msg.ID] = string(text)
	}
	require.NoError(t, m.Close())
	require.Equal(t, "error: cur/3.torn:2,S: unexpected EOF", got["3.torn"])
	delete(got, "3.torn")
	require.Equal(t, map[string]string{
		"1.plain": "Subject: p\r\n\r\n", "2.gz": "Subject: a\r\n\r\nhello\r\n", "4.seems": "\x1f\x8b\x08 no gzip at all\r\n",
		"5.bomb": "error: cur/5.bomb:2,S: gives more than a compressed message may", "6.xz": "error: is compressed with xz, which no Codec reads", "7.empty": "", "8.short": "x",
	}, got)
}
