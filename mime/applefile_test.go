package mime_test

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
)

// appleFile writes a file with entries in the order of their IDs.
func appleFile(magic uint32, entries map[uint32]string) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	b = binary.BigEndian.AppendUint32(b, 0x00020000)
	b = append(b, make([]byte, 16)...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(entries)))
	at := len(b) + 12*len(entries)
	var data []byte
	for id := uint32(1); id < 20; id++ {
		if v, ok := entries[id]; ok {
			b = binary.BigEndian.AppendUint32(b, id)
			b = binary.BigEndian.AppendUint32(b, uint32(at+len(data)))
			b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
			data = append(data, v...)
		}
	}
	return append(b, data...)
}

func TestAppleSingle(t *testing.T) {
	b := appleFile(0x00051600, map[uint32]string{1: "data fork", 2: "resources", 3: "r\x8esum\x8e", 4: "a comment", 9: "TEXTR*chxxxxxxxx"})
	f, err := mime.ParseAppleFile(b, charset.NewReader)
	require.NoError(t, err)
	require.Equal(t, &mime.AppleFile{
		Name: "résumé", Type: "TEXT", Creator: "R*ch", DataFork: []byte("data fork"), ResourceFork: []byte("resources"), Comment: "a comment",
	}, f)
}

// "The AppleDouble format […] is the same as AppleSingle except that the data fork is […] a separate file" (RFC 1740).
func TestAppleDouble(t *testing.T) {
	f, err := mime.ParseAppleFile(appleFile(0x00051607, map[uint32]string{2: "resources", 3: "a\rb"}), nil)
	require.NoError(t, err)
	require.True(t, f.Double)
	require.Equal(t, "a b", f.Name)
	require.Nil(t, f.DataFork)
}

func TestAppleFileDamage(t *testing.T) {
	good := appleFile(0x00051600, map[uint32]string{1: "data", 3: "name"})
	for n := range len(good) { // cut anywhere: an error or less, never a panic
		f, err := mime.ParseAppleFile(good[:n], nil)
		if n < 26 {
			require.ErrorIs(t, err, mime.ErrNotAppleFile)
			continue
		}
		require.NoError(t, err)
		require.Empty(t, f.Name)
	}
	bad := append([]byte(nil), good...)
	binary.BigEndian.PutUint32(bad[30:], 0xfffffff0) // an entry beyond the end
	f, err := mime.ParseAppleFile(bad, nil)
	require.NoError(t, err)
	require.Nil(t, f.DataFork)
	require.Equal(t, "name", f.Name)
	_, err = mime.ParseAppleFile(append([]byte{1}, good...), nil)
	require.ErrorIs(t, err, mime.ErrNotAppleFile)
}

func FuzzParseAppleFile(f *testing.F) {
	f.Add(appleFile(0x00051600, map[uint32]string{1: "data", 2: "r", 3: "name", 9: "TEXTttxt"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := mime.ParseAppleFile(b, nil)
		if err != nil {
			require.ErrorIs(t, err, mime.ErrNotAppleFile)
			return
		}
		require.LessOrEqual(t, len(a.DataFork), len(b))
		require.LessOrEqual(t, len(a.Name), 3*1024)
	})
}

var _ io.Reader = (*mime.YEncReader)(nil)
