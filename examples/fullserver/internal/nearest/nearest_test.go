package nearest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestName(t *testing.T) {
	names := slices.Values([]string{"reject", "permit", "defer", "eject"})
	for name, want := range map[string]string{"rejct": "reject", "ject": "eject", "permits": "permit", "deer": "defer", "frobnicate": "", "reject": "reject", "": ""} {
		require.Equal(t, want, Name(name, names, 4), name)
	}
	require.Equal(t, "ab", Name("ax", slices.Values([]string{"ac", "ab"}), 2), "of two the first by the alphabet")
	require.Equal(t, 3, distance("kitten", "sitting", 9))
}
