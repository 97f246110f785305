package pgpkeys_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/pgpkeys"
	"github.com/buuta/mail/mime"
)

func newKey(t testing.TB, name, email string) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity(name, "", email, &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	require.NoError(t, err)
	return e
}

func public(t testing.TB, list ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, e := range list {
		require.NoError(t, e.Serialize(&b))
	}
	return b.Bytes()
}

func armored(t testing.TB, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.PublicKeyType, map[string]string{"Comment": "x"})
	require.NoError(t, err)
	_, err = w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

// A key is read from what people send, and loses what others have certified, which may be much.
func TestParse(t *testing.T) {
	an, eve := newKey(t, "An", "An@example.test"), newKey(t, "Eve", "eve@example.test")
	clean := public(t, an)
	for range 200 {
		require.NoError(t, an.SignIdentity("An <An@example.test>", eve, nil))
	}
	certified := public(t, an)
	require.Greater(t, len(certified), 20*len(clean))
	for _, b := range [][]byte{clean, certified, []byte("Khóa của tôi:\r\n" + armored(t, certified) + "\r\nAn")} {
		keys, err := pgpkeys.Parse(b)
		require.NoError(t, err)
		require.Len(t, keys, 1)
		require.Equal(t, clean, keys[0].Raw)
		require.Equal(t, []string{"an@example.test"}, keys[0].Addresses(time.Now()))
		require.True(t, keys[0].Names("AN@example.test", time.Now()))
		require.Len(t, keys[0].Fingerprint(), 49)
		require.True(t, pgpkeys.HasID(keys[0].Raw, []uint64{1, an.PrimaryKey.KeyId}))
		require.False(t, pgpkeys.HasID(keys[0].Raw, []uint64{eve.PrimaryKey.KeyId}))
	}
	keys, err := pgpkeys.Parse(public(t, an, eve))
	require.NoError(t, err)
	require.Len(t, keys, 2)
}

// A name that somebody else puts beside a key is none of its names.
func TestForgedName(t *testing.T) {
	eve := public(t, newKey(t, "Eve", "eve@example.test"))
	first, err := packet.NewOpaqueReader(bytes.NewReader(eve)).Next()
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, first.Serialize(&b))
	const name = "An <an@example.test>"
	forged := append(append(b.Bytes(), 0xcd, byte(len(name))), name...)
	keys, err := pgpkeys.Parse(append(forged, eve[b.Len():]...))
	require.NoError(t, err)
	require.Equal(t, []string{"eve@example.test"}, keys[0].Addresses(time.Now()))
}

// What costs much is refused before it is worked on: DSA with parameters of 65,535 bits would take minutes for each signature.
func TestCostlyKeys(t *testing.T) {
	number := append([]byte{0xff, 0xff, 0x7f}, bytes.Repeat([]byte{0xff}, 8191)...)
	body := []byte{4, 0, 0, 0, 1, 17}
	for range 4 {
		body = append(body, number...)
	}
	dsa := append([]byte{0xc6, 0xff, byte(len(body) >> 24), byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
	_, err := pgpkeys.Parse(dsa)
	require.ErrorIs(t, err, pgpkeys.ErrWeak)
	_, err = pgpkeys.Parse(append(public(t, newKey(t, "An", "an@example.test")), bytes.Repeat([]byte{0xca, 3, 'P', 'G', 'P'}, 5000)...))
	require.ErrorIs(t, err, pgpkeys.ErrLarge)
	_, err = pgpkeys.Parse(make([]byte, pgpkeys.MaxInput+1))
	require.ErrorIs(t, err, pgpkeys.ErrLarge)
	an := newKey(t, "An", "an@example.test")
	var private bytes.Buffer
	require.NoError(t, an.SerializePrivate(&private, nil))
	_, err = pgpkeys.Parse(private.Bytes())
	require.ErrorIs(t, err, pgpkeys.ErrPrivate)
}

func field(t testing.TB, e *openpgp.Entity, attributes string) string {
	return "Autocrypt: " + attributes + " keydata=\r\n " + base64.StdEncoding.EncodeToString(public(t, e)) + "\r\n"
}

// Autocrypt 1.1, section 2.1.
func TestAutocrypt(t *testing.T) {
	an := newKey(t, "An", "an@example.test")
	for h, want := range map[string]bool{
		field(t, an, "addr=an@example.test;"):                                        true,
		field(t, an, "addr=AN@example.test; prefer-encrypt=mutual; _more=1;"):        true,
		field(t, an, "addr=an@example.test; critical=1;"):                            false,
		field(t, an, "addr=eve@example.test;"):                                       false,
		field(t, an, "prefer-encrypt=mutual;"):                                       false,
		strings.Repeat(field(t, an, "addr=an@example.test;"), 2):                     false,
		field(t, an, "addr=an@example.test;") + field(t, an, "addr=b@example.test;"): true,
		"Autocrypt: addr=an@example.test; keydata=AAAA\r\n":                          false,
		"Autocrypt: addr=an@example.test; keydata=!\r\n":                             false,
	} {
		_, ok := pgpkeys.Autocrypt(mime.ParseHeader([]byte(h+"\r\n"), nil), "an@example.test")
		require.Equal(t, want, ok, h)
	}
}

// FuzzParse: whatever comes, there is an answer, and what is kept is read again as the same.
func FuzzParse(f *testing.F) {
	an := newKey(f, "An", "an@example.test")
	f.Add(public(f, an))
	f.Add([]byte(armored(f, public(f, an, newKey(f, "B", "b@example.test")))))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := pgpkeys.Parse(b)
		if err != nil {
			return
		}
		for _, k := range keys {
			_, _ = k.Addresses(time.Now()), k.Expires()
			again, err := pgpkeys.Parse(k.Raw)
			if err != nil || len(again) != 1 || again[0].Fingerprint() != k.Fingerprint() || !pgpkeys.HasID(k.Raw, []uint64{k.Entity.PrimaryKey.KeyId}) {
				t.Fatalf("%x is read otherwise again: %v", k.Raw, err)
			}
		}
	})
}
