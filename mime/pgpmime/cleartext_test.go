package pgpmime_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/pgpmime"
)

func clearsigned(t testing.TB, key *openpgp.Entity, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, key.PrivateKey, nil)
	require.NoError(t, err)
	_, err = w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// A text that is signed where it stands is what was signed, and whole only where nothing else is there, however it is hidden.
func TestCleartext(t *testing.T) {
	header := mime.ParseHeader([]byte("From: Alice <Alice@example.test>\r\n\r\n"), nil)
	v := &pgpmime.Verifier{Keys: ring(small())}
	good := clearsigned(t, small(), "-- \nTrả tiền cho An.  \nFrom here")
	const want = "--\r\nTrả tiền cho An.\r\nFrom here"
	fake := "-----BEGIN PGP SIGNED MESSAGE-----\n"
	for _, tt := range []struct {
		text  string
		whole bool
	}{
		{good, true}, {"\r\n\n" + strings.ReplaceAll(good, "\n", "\r\n") + "\n \n", true},
		{"Trả cho Eve.\n" + good, false}, {good + "Trả cho Eve.\n", false}, {good + good, false},
	} {
		s, err := v.VerifyCleartext([]byte(tt.text), header)
		require.NoError(t, err, tt.text)
		require.NoError(t, s.Signatures[0].Err)
		require.True(t, s.Signatures[0].MatchesFrom)
		require.Equal(t, want, string(s.Content))
		require.Equal(t, tt.whole, s.Whole, tt.text)
		require.Equal(t, tt.whole, s.Good())
	}
	for _, bad := range []string{fake + good, " " + fake + "\nTrả cho Eve.\n" + good, strings.Replace(good, "An", "Eve", 1), strings.Replace(good, "\n\n", "\nTo: Eve\n\n", 1), strings.Replace(good, "From here", "", 1)} {
		s, err := v.VerifyCleartext([]byte(bad), header)
		require.False(t, err == nil && s.Good(), bad)
	}
	_, err := v.VerifyCleartext([]byte("hello\n"), header)
	require.ErrorIs(t, err, pgpmime.ErrNotSigned)
	_, err = v.VerifyCleartext([]byte("hello\n"+fake), header)
	require.ErrorIs(t, err, pgpmime.ErrSyntax)
	_, err = (&pgpmime.Verifier{Limits: pgpmime.Limits{Size: 20}}).VerifyCleartext([]byte(good), header)
	require.Error(t, err)
	s, err := (&pgpmime.Verifier{Keys: openpgp.EntityList{}}).VerifyCleartext([]byte(good), header)
	require.NoError(t, err)
	require.ErrorIs(t, s.Signatures[0].Err, pgpmime.ErrUnknownKey)
}
