package entity_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", "a\n": "a\r\n", "a\r\nb\n": "a\r\nb\r\n", "\n\n": "\r\n\r\n", "a\rb": "a\rb", "\r\r\n": "\r\r\n", "a\r\n": "a\r\n",
	} {
		require.Equal(t, want, string(entity.Canonical([]byte(in))), "%q", in)
		require.Equal(t, want, string(entity.Canonical([]byte(want))), "doing it twice changes nothing")
	}
}

func TestCheck7Bit(t *testing.T) {
	require.NoError(t, entity.Check7Bit([]byte(strings.Repeat("x", 998)+"\r\nplain\r\n")))
	for _, bad := range []string{"ư", "\x00", strings.Repeat("x", 1000) + "\r\n"} {
		require.ErrorIs(t, entity.Check7Bit([]byte(bad)), entity.ErrNot7Bit)
	}
}

func TestSplit(t *testing.T) {
	msg := "From: a@b\r\nContent-Type: text/plain;\r\n charset=utf-8\r\nMIME-Version: 1.0\r\nSubject: x\r\n folded\r\nContent-Language: vi\r\n\r\nbody\r\n"
	outer, content, err := entity.Split([]byte(msg), entity.None)
	require.NoError(t, err)
	require.Equal(t, "From: a@b\r\nSubject: x\r\n folded\r\nMIME-Version: 1.0\r\n\r\n", string(outer.AppendTo(nil)))
	require.Equal(t, "Content-Type: text/plain;\r\n charset=utf-8\r\nContent-Language: vi\r\n\r\nbody\r\n", string(content), "as they stood, octet by octet")
	require.Nil(t, entity.Protected(content))

	_, content, err = entity.Split([]byte("Subject: x\r\n\r\n"), entity.None)
	require.NoError(t, err)
	require.Equal(t, "\r\n", string(content))
	_, _, err = entity.Split([]byte("Subject: x\r\nno field\r\n\r\n"), entity.None)
	require.ErrorIs(t, err, entity.ErrHeader)
}

// RFC 9788.
func TestProtect(t *testing.T) {
	msg := []byte("From: a@b\r\nSubject: secret\r\nKeywords: k\r\nBcc: eve@b\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nbody\r\n")
	outer, content, err := entity.Split(msg, entity.Cipher)
	require.NoError(t, err)
	require.Equal(t, "From: a@b\r\nSubject: [...]\r\nMIME-Version: 1.0\r\n\r\n", string(outer.AppendTo(nil)))
	require.Equal(t, "From: a@b\r\nSubject: secret\r\nKeywords: k\r\nHP-Outer: From: a@b\r\nHP-Outer: Subject: [...]\r\n"+
		"Content-Type: text/plain; hp=cipher; charset=us-ascii\r\n\r\nbody\r\n", string(content))
	h := entity.Protected(content)
	require.Equal(t, "From: a@b\r\nSubject: secret\r\nKeywords: k\r\n\r\n", string(h.AppendTo(nil)))

	outer, content, err = entity.Split(msg, entity.Clear)
	require.NoError(t, err)
	require.Equal(t, "secret", outer.Get("Subject"))
	require.Equal(t, "secret", entity.Protected(content).Get("Subject"))
	require.False(t, bytes.Contains(content, []byte("HP-Outer")))

	old := []byte("Content-Type: text/plain; protected-headers=\"v1\"\r\nSubject: secret\r\n\r\n")
	require.Equal(t, "secret", entity.Protected(old).Get("Subject"))
	require.Nil(t, entity.Protected([]byte("Content-Type: text/plain; hp=other\r\nSubject: x\r\n\r\n")))
}

func TestRead(t *testing.T) {
	_, err := entity.Read(strings.NewReader("12345"), 4)
	require.ErrorIs(t, err, entity.ErrTooLarge)
	b, err := entity.Read(strings.NewReader("12345"), 5)
	require.NoError(t, err)
	require.Len(t, b, 5)
	_, err = entity.ReadSpan(strings.NewReader("12345"), mime.Span{Offset: 1, Size: 5}, 0)
	require.Error(t, err)
	_, err = entity.ReadSpan(strings.NewReader("12345"), mime.Span{Offset: 1, Size: 4}, 3)
	require.ErrorIs(t, err, entity.ErrTooLarge)
}
