package sealed_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/internal/sealed"
)

func TestSealed(t *testing.T) {
	key := make([]byte, 32)
	rand.Read(key)
	for _, secret := range []string{"", "x", "mật khẩu", strings.Repeat("p", 64), strings.Repeat("q", 1000)} {
		b := sealed.Seal(key, "alice", secret)
		got, err := sealed.Open(key, "alice", b)
		require.NoError(t, err)
		require.Equal(t, secret, got)
		require.False(t, len(secret) >= 8 && bytes.Contains(b, []byte(secret)))
		_, err = sealed.Open(key, "bob", b)
		require.ErrorIs(t, err, sealed.ErrUnreadable)
		for i := range b {
			b[i] ^= 1
			_, err = sealed.Open(key, "alice", b)
			require.ErrorIs(t, err, sealed.ErrUnreadable, i)
			b[i] ^= 1
		}
		_, err = sealed.Open(make([]byte, 32), "alice", b)
		require.ErrorIs(t, err, sealed.ErrUnreadable)
		_, err = sealed.Open(key, "alice", b[:5])
		require.ErrorIs(t, err, sealed.ErrUnreadable)
	}
	require.NotEqual(t, sealed.Seal(key, "a", "x"), sealed.Seal(key, "a", "x"))
	require.Len(t, sealed.Seal(key, "a", "x"), len(sealed.Seal(key, "a", "longer")), "the length isn't told")
}
