package dkim_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/forge"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// No message makes verifying fail in another way than by its results, and what is read in one piece has the results of what is
// read in many.
func FuzzVerify(f *testing.F) {
	ring := keyring(f)
	zone := ""
	for i, c := range tables() {
		message, records := c.build(f, ring, i)
		f.Add([]byte(message))
		zone += records
	}
	z := mailauthtest.MustParse(zone)
	f.Fuzz(func(t *testing.T, message []byte) {
		v := &dkim.Verifier{Resolver: z}
		a, err := v.Verify(t.Context(), bytes.NewReader(message))
		require.NoError(t, err)
		b, err := v.Verify(t.Context(), &small{message})
		require.NoError(t, err)
		require.Equal(t, len(a), len(b))
		for i := range a {
			require.Equal(t, a[i].Result, b[i].Result)
			require.Equal(t, a[i].Result == pass, a[i].Err == nil)
			_, err := authres.Parse((&authres.Results{ServID: "x", Methods: []authres.Method{a[i].Method()}}).Value())
			require.NoError(t, err)
		}
	})
}

// small reads seven octets at a time.
type small struct{ b []byte }

func (s *small) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b[:min(7, len(s.b))])
	s.b = s.b[n:]
	return n, nil
}

// What is signed verifies, whatever it is.
func FuzzSign(f *testing.F) {
	f.Add([]byte(letter), "joe", uint8(0))
	f.Add([]byte("From: a@example.com\r\n\r\n \r\n\r\n"), "", uint8(3))
	key := keyring(f)["ed"]
	zone := mailauthtest.MustParse("ed._domainkey.example.com TXT v=DKIM1; k=ed25519; p=" + forge.Record(f, key))
	f.Fuzz(func(t *testing.T, message []byte, identity string, form uint8) {
		s := &dkim.Signer{Domain: "example.com", Selector: "ed", Key: key, SimpleHeader: form&1 != 0, SimpleBody: form&2 != 0, NoTime: form&4 != 0}
		if form&8 != 0 {
			s.Identity = identity + "@example.com"
		}
		field, err := dkim.Sign(bytes.NewReader(message), 0, s)
		if err != nil {
			return
		}
		for line := range strings.SplitSeq(field, "\r\n") {
			if len(line) > 998 && len(identity) < 900 {
				t.Fatalf("a line of %d octets", len(line))
			}
		}
		list, err := (&dkim.Verifier{Resolver: zone}).Verify(t.Context(), io.MultiReader(strings.NewReader(field), bytes.NewReader(message)))
		require.NoError(t, err)
		require.NoError(t, list[0].Err, "%q", field)
	})
}
