package mutf7

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUTF7(t *testing.T) {
	for plain, enc := range map[string]string{
		"~peter/mail/台北/日本語": "~peter/mail/&U,BTFw-/&ZeVnLIqe-", // RFC 3501 section 5.1.3
		"Việt":               "Vi&Hsc-t", "a&b": "a&-b", "": "", "&": "&-", "😀": "&2D3eAA-", "ü&ü": "&APw-&-&APw-",
	} {
		require.Equal(t, enc, Encode(plain))
		dec, ok := Decode(enc)
		require.True(t, ok, enc)
		require.Equal(t, plain, dec)
	}
	for _, bad := range []string{"&", "&x", "&AGE-", "&U,B-", "&U,BTFw", "ü", "&2D0-", "&APw-&APw-", "&=-", "&AC4-"} {
		_, ok := Decode(bad)
		require.False(t, ok, bad)
	}
}
