package prefs_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/prefs"
)

func TestCheck(t *testing.T) {
	p := prefs.Prefs{Zone: "Nowhere/At/All", Identities: []prefs.Identity{
		{Name: "Al\r\nBcc: eve@example.test", Email: "alice@example.test", Signature: "hi\r\nthere\r\n\r\n"},
		{Email: "not an address"},
		{Email: "b@example.test", Signature: strings.Repeat("ệ", 1000)},
	}}.Check()
	require.Empty(t, p.Zone)
	require.Len(t, p.Identities, 2)
	require.Equal(t, "AlBcc: eve@example.test", p.Identities[0].Name)
	require.Equal(t, "hi\nthere", p.Identities[0].Signature)
	require.LessOrEqual(t, len(p.Identities[1].Signature), prefs.MaxSignature)
	require.Equal(t, p, prefs.Decode(p.Encode()))
	require.Equal(t, prefs.Prefs{}, prefs.Decode([]byte("{")))
}

func TestLocal(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		l := &prefs.Local{Dir: dir}
		p, err := l.Get("../alice")
		require.NoError(t, err)
		require.Equal(t, prefs.Prefs{}, p)
		require.NoError(t, l.Set("../alice", prefs.Prefs{Lang: "vi"}))
		p, err = l.Get("../alice")
		require.NoError(t, err)
		require.Equal(t, "vi", p.Lang)
		p, err = l.Get("alice")
		require.NoError(t, err)
		require.Empty(t, p.Lang)
		require.NoError(t, l.Write("../alice", "vcf", []byte("x")))
		b, err := l.Read("../alice", "vcf")
		require.NoError(t, err)
		require.Equal(t, "x", string(b))
		for range 2 {
			require.NoError(t, l.Write("../alice", "vcf", nil))
			b, err = l.Read("../alice", "vcf")
			require.NoError(t, err)
			require.Nil(t, b)
		}
		if dir != "" {
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1)
		}
	}
}
