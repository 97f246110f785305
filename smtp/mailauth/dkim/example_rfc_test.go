package dkim_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

func read(t testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return b
}

func zone(t testing.TB) *mailauthtest.Zone {
	z, err := mailauthtest.Parse(string(read(t, "zone.txt")))
	require.NoError(t, err)
	return z
}

// The secret keys of RFC 8463 appendix A.1.
const rsaKey = `-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----`

func keys(t testing.TB) (rsa, ed crypto.Signer) {
	block, _ := pem.Decode([]byte(rsaKey))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	seed, err := base64.StdEncoding.DecodeString("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
	require.NoError(t, err)
	return key, ed25519.NewKeyFromSeed(seed)
}

// RFC 8463 appendix A: "The signatures are independent of each other, so either signature would be valid if the other were
// not present."
func TestRFC8463(t *testing.T) {
	v := &dkim.Verifier{Resolver: zone(t)}
	list, err := v.Verify(context.Background(), bytes.NewReader(read(t, "rfc8463.eml")))
	require.NoError(t, err)
	require.Len(t, list, 2)
	for i, alg := range []string{"ed25519-sha256", "rsa-sha256"} {
		require.NoError(t, list[i].Err)
		require.Equal(t, authres.Pass, list[i].Result)
		require.Equal(t, alg, list[i].Algorithm)
		require.Equal(t, "@football.example.com", list[i].Identity)
		require.Equal(t, time.Unix(1528637909, 0).UTC(), list[i].Time)
	}
}

// RFC 6376 appendix A.3: "The result of the query and subsequent verification of the signature is stored". The RFC's
// typesetting has changed what the simple form sees: folded lines began with six spaces, and "game." was followed by one, as
// the signature itself tells.
func TestRFC6376(t *testing.T) {
	v := &dkim.Verifier{Resolver: zone(t)}
	list, err := v.Verify(context.Background(), bytes.NewReader(read(t, "rfc6376.eml")))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NoError(t, list[0].Err)
	require.Equal(t, authres.Pass, list[0].Result)
	require.Equal(t, "joe@football.example.com", list[0].Identity)
}

// RFC 8463 section 3: Ed25519 is deterministic, so that our signature over the example's fields is one that holds under the
// example's public key.
func TestSignAndVerify(t *testing.T) {
	rsa, ed := keys(t)
	_, message, _ := strings.Cut(string(read(t, "rfc8463.eml")), "FADY+8=\r\n")
	for _, simple := range []bool{false, true} {
		now := func() time.Time { return time.Unix(1528637909, 0) }
		sign := func(sel string, key crypto.Signer) *dkim.Signer {
			return &dkim.Signer{Domain: "football.example.com", Selector: sel, Key: key, SimpleHeader: simple, SimpleBody: simple,
				Identity: "@football.example.com", Now: now, Expire: time.Hour}
		}
		fields, err := dkim.Sign(strings.NewReader(message), 0, sign("brisbane", ed), sign("test", rsa))
		require.NoError(t, err)
		for line := range strings.SplitSeq(fields, "\r\n") {
			require.LessOrEqual(t, len(line), 78)
		}
		v := &dkim.Verifier{Resolver: zone(t), Now: now}
		check := func(msg string, want authres.Code) {
			t.Helper()
			list, err := v.Verify(context.Background(), strings.NewReader(msg))
			require.NoError(t, err)
			require.Len(t, list, 2)
			for _, s := range list {
				require.Equal(t, want, s.Result, "%v\n%s", s.Err, msg)
			}
		}
		check(fields+message, authres.Pass)
		// RFC 6376 section 8.15: a second field of an oversigned name breaks the signature.
		check(fields+"From: evil@example.net\r\n"+message, authres.Fail)
		check(fields+"Cc: evil@example.net\r\n"+message, authres.Fail)
		check(fields+"Comments: added\r\n"+message, authres.Pass)
		check(fields+strings.Replace(message, "hungry", "angry", 1), authres.Fail)
		folded := strings.Replace(message, "Is dinner ready?", "Is  dinner\r\n\tready? ", 1)
		check(fields+folded, map[bool]authres.Code{true: authres.Fail, false: authres.Pass}[simple])
		spaced := strings.Replace(message, "We lost the game.", "We lost \t the game. ", 1)
		check(fields+spaced, map[bool]authres.Code{true: authres.Fail, false: authres.Pass}[simple])
		check(fields+message+"\r\n\r\n\r\n", authres.Pass) // section 3.4.3: empty lines at the end are ignored
		v.Now = func() time.Time { return now().Add(2 * time.Hour) }
		check(fields+message, authres.PermError) // x=
		v.Now = func() time.Time { return now().Add(-time.Hour) }
		check(fields+message, authres.PermError) // t= in the future
	}
}
