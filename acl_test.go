package mail_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// RFC 4314 section 2.1.1: "c" and "d" are read as the rights that have taken their place.
func TestParseRights(t *testing.T) {
	for in, want := range map[string]string{"": "", "lrswipkxtea": "lrswipkxtea", "ael": "lea", "lrc": "lrk", "d": "xte"} {
		r, ok := mail.ParseRights(in)
		require.True(t, ok, in)
		require.Equal(t, want, r.String(), in)
	}
	for _, in := range []string{"L", "z", "l r", "0"} {
		_, ok := mail.ParseRights(in)
		require.False(t, ok, in)
	}
	require.True(t, mail.AllRights.Has(mail.RightAdmin|mail.RightLookup))
	require.False(t, mail.RightRead.Has(mail.RightRead|mail.RightLookup))
	require.Equal(t, "lrswipkxtea", mail.AllRights.String())
}
