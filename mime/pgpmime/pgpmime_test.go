package pgpmime_test

import (
	"bytes"
	"crypto"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/pgpmime"
)

type people struct{ alice, bob *openpgp.Entity }

var world = sync.OnceValue(func() people {
	key := func(name string) *openpgp.Entity {
		e, err := openpgp.NewEntity(name, "", strings.ToLower(name)+"@example.test", &packet.Config{RSABits: 2048})
		if err != nil {
			panic(err)
		}
		return e
	}
	return people{key("Alice"), key("Bob")}
})

func ring(e ...*openpgp.Entity) openpgp.EntityList { return e }

// letter is what a program hands over to be signed.
func letter(t testing.TB) string {
	t.Helper()
	b := &mime.Builder{
		From: []mime.Address{{Name: "Alice", Mailbox: "alice", Host: "example.test"}}, To: []mime.Address{{Mailbox: "bob", Host: "example.test"}},
		Subject: "Thư ngỏ", Text: "Xin chào Bob,\nFrom here on: trailing blank \n-- \nAlice\n", HTML: "<p>Xin chào",
		Attachments: []mime.File{{Filename: "x.bin", Content: strings.NewReader("\x00\x01\r\n\n\r")}},
	}
	var out bytes.Buffer
	_, err := b.WriteTo(&out)
	require.NoError(t, err)
	return out.String()
}

// entityOf is the part of a message that is signed: the Content-* fields and the body.
func entityOf(msg string) string {
	head, body, _ := strings.Cut(msg, "\r\n\r\n")
	var out strings.Builder
	keep := false
	for line := range strings.Lines(head + "\r\n") {
		if line[0] != ' ' && line[0] != '\t' {
			keep = strings.HasPrefix(line, "Content-")
		}
		if keep {
			out.WriteString(line)
		}
	}
	return out.String() + "\r\n" + body
}

func sign(t testing.TB, s *pgpmime.Signer, msg string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, s.Sign(&out, strings.NewReader(msg)))
	for line := range strings.Lines(out.String()) {
		require.True(t, strings.HasSuffix(line, "\r\n"), "%q", line)
	}
	return out.String()
}

func verify(t testing.TB, v *pgpmime.Verifier, msg string) *pgpmime.Signed {
	t.Helper()
	s, err := v.Verify(strings.NewReader(msg), int64(len(msg)))
	require.NoError(t, err)
	return s
}

func encrypt(t testing.TB, e *pgpmime.Encrypter, msg string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, e.Encrypt(&out, strings.NewReader(msg)))
	return out.String()
}

func decrypt(d *pgpmime.Decrypter, msg string) (*pgpmime.Decrypted, error) {
	return d.Decrypt(strings.NewReader(msg), int64(len(msg)))
}

func TestSign(t *testing.T) {
	w, msg := world(), letter(t)
	for _, who := range []*openpgp.Entity{w.alice, w.bob} {
		signed := sign(t, &pgpmime.Signer{Key: who}, msg)
		s := verify(t, &pgpmime.Verifier{Keys: ring(w.alice, w.bob)}, signed)
		require.True(t, s.Whole)
		require.Len(t, s.Signatures, 1)
		g := s.Signatures[0]
		require.NoError(t, g.Err)
		require.Equal(t, who, g.Key)
		require.Equal(t, who == w.alice, g.MatchesFrom, "the letter is from Alice")
		require.Equal(t, who == w.alice, s.Good())
		require.WithinDuration(t, time.Now(), g.Time, time.Minute)
		require.Equal(t, entityOf(msg), string(s.Content), "what is signed is the entity octet by octet")

		ix, err := mime.BuildIndex(strings.NewReader(signed), int64(len(signed)), nil)
		require.NoError(t, err)
		require.Empty(t, ix.Problems)
		require.Equal(t, "pgp-sha256", ix.Root.Param("micalg"), `"the value of the micalg parameter is […] pgp-<hash-symbol>" (RFC 3156 section 5)`)
		require.Equal(t, "application/pgp-signature", ix.Root.Param("protocol"))

		unknown := verify(t, &pgpmime.Verifier{Keys: ring()}, signed).Signatures[0]
		require.ErrorIs(t, unknown.Err, pgpmime.ErrUnknownKey)
		require.Equal(t, g.KeyID, unknown.KeyID)
		require.ErrorIs(t, verify(t, &pgpmime.Verifier{}, signed).Signatures[0].Err, pgpmime.ErrUnknownKey)
	}
}

// A message whose lines end in LF, as files on Unix, signs and verifies the same.
func TestLineEnds(t *testing.T) {
	w, msg := world(), letter(t)
	signed := sign(t, &pgpmime.Signer{Key: w.alice}, strings.ReplaceAll(msg, "\r\n", "\n"))
	v := &pgpmime.Verifier{Keys: ring(w.alice)}
	require.Equal(t, entityOf(msg), string(verify(t, v, signed).Content))
	require.True(t, verify(t, v, strings.ReplaceAll(signed, "\r\n", "\n")).Good())
}

// Every octet counts: a flipped one anywhere in the signed part is found.
func TestChanged(t *testing.T) {
	w := world()
	v := &pgpmime.Verifier{Keys: ring(w.alice)}
	signed := sign(t, &pgpmime.Signer{Key: w.alice}, letter(t))
	s := verify(t, v, signed)
	start := strings.Index(signed, string(s.Content))
	require.Positive(t, start)
	for i := start; i < start+len(s.Content); i += 7 {
		b := []byte(signed)
		if b[i] == '\r' || b[i] == '\n' {
			continue
		}
		b[i] ^= 0x02
		if got, err := v.Verify(bytes.NewReader(b), int64(len(b))); err == nil {
			require.Error(t, got.Signatures[0].Err, "octet %d", i)
			require.False(t, got.Good())
		}
	}
}

// "micalg […] MUST contain exactly one hash-symbol of the format "pgp-<hash-identifier>"" (RFC 3156 section 5)
func TestMicalg(t *testing.T) {
	w := world()
	signed := sign(t, &pgpmime.Signer{Key: w.alice, Config: &packet.Config{DefaultHash: crypto.SHA512}}, letter(t))
	require.True(t, verify(t, &pgpmime.Verifier{Keys: ring(w.alice)}, signed).Good())
	require.Contains(t, signed, "micalg=pgp-sha512")
}

func TestExpired(t *testing.T) {
	e, err := openpgp.NewEntity("Alice", "", "alice@example.test", &packet.Config{RSABits: 2048, KeyLifetimeSecs: 3600})
	require.NoError(t, err)
	signed := sign(t, &pgpmime.Signer{Key: e}, letter(t))
	require.True(t, verify(t, &pgpmime.Verifier{Keys: ring(e)}, signed).Good())
	later := &packet.Config{Time: func() time.Time { return time.Now().Add(2 * time.Hour) }}
	s := verify(t, &pgpmime.Verifier{Keys: ring(e), Config: later}, signed)
	require.Error(t, s.Signatures[0].Err)
	require.False(t, s.Good())
}

// What stands beside a signed part is not signed.
func TestNotWhole(t *testing.T) {
	w := world()
	v := &pgpmime.Verifier{Keys: ring(w.alice)}
	signed := sign(t, &pgpmime.Signer{Key: w.alice}, letter(t))
	_, part, _ := strings.Cut(signed, "MIME-Version: 1.0\r\n")
	list := "From: alice@example.test\r\nContent-Type: multipart/mixed; boundary=list\r\n\r\n--list\r\n" + part +
		"\r\n--list\r\nContent-Type: text/plain\r\n\r\nA footer.\r\n--list--\r\n"
	s := verify(t, v, list)
	require.NoError(t, s.Signatures[0].Err)
	require.False(t, s.Whole)
	require.False(t, s.Good())
	forwarded := "From: eve@example.test\r\nContent-Type: message/rfc822\r\n\r\n" + signed
	_, err := v.Verify(strings.NewReader(forwarded), int64(len(forwarded)))
	require.ErrorIs(t, err, pgpmime.ErrNotSigned)
}

func TestEncrypt(t *testing.T) {
	w, msg := world(), letter(t)
	for _, signer := range []*openpgp.Entity{nil, w.alice, w.bob} {
		sealed := encrypt(t, &pgpmime.Encrypter{To: ring(w.alice, w.bob), Sign: signer}, msg)
		require.NotContains(t, sealed, "chào")
		ix, err := mime.BuildIndex(strings.NewReader(sealed), int64(len(sealed)), nil)
		require.NoError(t, err)
		require.Empty(t, ix.Problems)
		require.Equal(t, "application/pgp-encrypted", ix.Root.Param("protocol"))
		require.Equal(t, "Version: 1\r\n", sealed[ix.Root.Parts[0].Body.Offset:ix.Root.Parts[0].Body.End()], "RFC 3156 section 4")
		for _, reader := range []*openpgp.Entity{w.alice, w.bob} {
			d, err := decrypt(&pgpmime.Decrypter{Keys: ring(reader, w.alice, w.bob)}, sealed)
			require.NoError(t, err)
			require.Equal(t, entityOf(msg), string(d.Content))
			if signer == nil {
				require.Nil(t, d.Signed)
				continue
			}
			require.NoError(t, d.Signed.Signatures[0].Err)
			require.Equal(t, signer == w.alice, d.Signed.Good())
			require.True(t, d.Signed.Whole)
		}
		stranger, err := openpgp.NewEntity("Eve", "", "eve@example.test", &packet.Config{RSABits: 2048})
		require.NoError(t, err)
		_, err = decrypt(&pgpmime.Decrypter{Keys: ring(stranger)}, sealed)
		require.ErrorIs(t, err, pgpmime.ErrNoKey)
		_, err = decrypt(&pgpmime.Decrypter{}, sealed)
		require.ErrorIs(t, err, pgpmime.ErrNoKey)
		if signer == w.alice {
			d, err := decrypt(&pgpmime.Decrypter{Keys: ring(w.bob)}, sealed)
			require.NoError(t, err)
			require.ErrorIs(t, d.Signed.Signatures[0].Err, pgpmime.ErrUnknownKey)
			require.False(t, d.Signed.Good())
		}
	}
}

// Signed first, then encrypted (RFC 3156 section 6.1).
func TestSignedInside(t *testing.T) {
	w, msg := world(), letter(t)
	signed := sign(t, &pgpmime.Signer{Key: w.alice}, msg)
	sealed := encrypt(t, &pgpmime.Encrypter{To: ring(w.bob)}, signed)
	d, err := decrypt(&pgpmime.Decrypter{Keys: ring(w.bob, w.alice)}, sealed)
	require.NoError(t, err)
	require.True(t, d.Signed.Good())
	require.Equal(t, entityOf(msg), string(d.Content))
}

func TestLockedKey(t *testing.T) {
	w := world()
	locked, err := openpgp.NewEntity("Bob", "", "bob@example.test", &packet.Config{RSABits: 2048})
	require.NoError(t, err)
	require.NoError(t, locked.EncryptPrivateKeys([]byte("secret"), nil))
	sealed := encrypt(t, &pgpmime.Encrypter{To: ring(locked), Sign: w.alice}, letter(t))
	_, err = decrypt(&pgpmime.Decrypter{Keys: ring(locked)}, sealed)
	require.ErrorIs(t, err, pgpmime.ErrNoKey)
	asked := 0
	d := &pgpmime.Decrypter{Keys: ring(locked), Unlock: func([]openpgp.Key) error { asked++; return nil }}
	_, err = decrypt(d, sealed)
	require.ErrorIs(t, err, pgpmime.ErrNoKey)
	require.Equal(t, 3, asked, "nobody is asked for ever")
	refused := errors.New("no passphrase today")
	d.Unlock = func([]openpgp.Key) error { return refused }
	_, err = decrypt(d, sealed)
	require.ErrorIs(t, err, refused)
	d.Unlock = func(keys []openpgp.Key) error {
		for _, k := range keys {
			if err := k.PrivateKey.Decrypt([]byte("secret")); err != nil {
				return err
			}
		}
		return nil
	}
	_, err = decrypt(d, sealed)
	require.NoError(t, err)
}

// RFC 9788: the header inside is the one to believe.
func TestProtectedHeader(t *testing.T) {
	w := world()
	signed := sign(t, &pgpmime.Signer{Key: w.alice, ProtectHeader: true}, letter(t))
	forged := strings.Replace(signed, "Subject: ", "Subject: urgent ", 1)
	s := verify(t, &pgpmime.Verifier{Keys: ring(w.alice)}, forged)
	require.True(t, s.Good())
	require.Equal(t, "Thư ngỏ", s.Header.Text("Subject"))

	sealed := encrypt(t, &pgpmime.Encrypter{To: ring(w.bob), Sign: w.alice, ProtectHeader: true}, letter(t))
	m, err := mime.Read(strings.NewReader(sealed))
	require.NoError(t, err)
	require.Equal(t, "[...]", m.Subject)
	d, err := decrypt(&pgpmime.Decrypter{Keys: ring(w.bob, w.alice)}, sealed)
	require.NoError(t, err)
	require.Equal(t, "Thư ngỏ", d.Header.Text("Subject"))
	require.True(t, d.Signed.Good())
}

// EFAIL: stolen ciphertext wrapped in parts of the attacker's own, beside another block, changed, or stripped of its protection.
func TestEFAIL(t *testing.T) {
	w := world()
	sealed := encrypt(t, &pgpmime.Encrypter{To: ring(w.bob)}, letter(t))
	d := &pgpmime.Decrypter{Keys: ring(w.bob)}
	_, part, _ := strings.Cut(sealed, "MIME-Version: 1.0\r\n")
	wrapped := "From: eve@example.net\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
		"--x\r\nContent-Type: text/html\r\n\r\n<img src=\"http://eve.example/\r\n--x\r\n" + part + "\r\n--x\r\nContent-Type: text/html\r\n\r\n\">\r\n--x--\r\n"
	_, err := decrypt(d, wrapped)
	require.ErrorIs(t, err, pgpmime.ErrNotWhole)

	const begin, end = "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"
	for _, doubled := range []string{
		strings.Replace(sealed, begin, "<img src='\r\n"+begin, 1),
		strings.Replace(sealed, end, end+"\r\n'>", 1),
		strings.Replace(sealed, end, end+"\r\n"+begin+"\r\n\r\nAAAA\r\n"+end, 1),
		strings.Replace(sealed, begin, "-----BEGIN PGP SIGNATURE-----", 1),
		strings.Replace(sealed, begin, begin+"\r\nComment: "+strings.Repeat("x", 10_000), 1),
	} {
		_, err = decrypt(d, doubled)
		require.ErrorIs(t, err, pgpmime.ErrSyntax)
	}

	head, rest, _ := strings.Cut(sealed, begin)
	body, tail, _ := strings.Cut(rest, end)
	lines := strings.Split(body, "\r\n")
	for i := range lines {
		if len(lines[i]) < 8 {
			continue
		}
		changed := append([]string(nil), lines...)
		changed[i] = lines[i][4:8] + lines[i][4:]
		got, err := decrypt(d, head+begin+strings.Join(changed, "\r\n")+end+tail)
		require.Error(t, err, "line %d", i)
		require.Nil(t, got)
	}
}

// "Symmetrically Encrypted Data" packets know no integrity (RFC 9580 section 5.7): one made of a protected one must not be opened.
func TestDowngrade(t *testing.T) {
	w := world()
	sealed := encrypt(t, &pgpmime.Encrypter{To: ring(w.bob)}, letter(t))
	start := strings.Index(sealed, "-----BEGIN")
	block, err := armor.Decode(strings.NewReader(sealed[start:]))
	require.NoError(t, err)
	var out bytes.Buffer
	aw, err := armor.Encode(&out, "PGP MESSAGE", nil)
	require.NoError(t, err)
	r := packet.NewOpaqueReader(block.Body)
	for {
		p, err := r.Next()
		if err != nil {
			break
		}
		if p.Tag == 18 {
			p.Tag, p.Contents = 9, p.Contents[1:]
		}
		require.NoError(t, p.Serialize(aw))
	}
	require.NoError(t, aw.Close())
	end := strings.Index(sealed, "-----END PGP MESSAGE-----") + len("-----END PGP MESSAGE-----")
	_, err = decrypt(&pgpmime.Decrypter{Keys: ring(w.bob)}, sealed[:start]+out.String()+sealed[end:])
	require.ErrorIs(t, err, pgpmime.ErrIntegrity)
}

// A small message that decompresses to a large one stops at the limit.
func TestBomb(t *testing.T) {
	zlib := &packet.Config{DefaultCompressionAlgo: packet.CompressionZLIB, RSABits: 2048}
	bob, err := openpgp.NewEntity("Bob", "", "bob@example.test", zlib)
	require.NoError(t, err)
	sealed := encrypt(t, &pgpmime.Encrypter{To: ring(bob), Config: zlib}, "From: a@b\r\n\r\n"+strings.Repeat(strings.Repeat("a", 78)+"\r\n", 50_000))
	require.Less(t, len(sealed), 100_000)
	_, err = decrypt(&pgpmime.Decrypter{Keys: ring(bob), Limits: pgpmime.Limits{Size: 1 << 20}}, sealed)
	require.Error(t, err)
	_, err = decrypt(&pgpmime.Decrypter{Keys: ring(bob)}, sealed)
	require.NoError(t, err)
}

func TestErrors(t *testing.T) {
	w, msg := world(), letter(t)
	v, d := &pgpmime.Verifier{Keys: ring(w.alice)}, &pgpmime.Decrypter{Keys: ring(w.bob)}
	_, err := v.Verify(strings.NewReader(msg), int64(len(msg)))
	require.ErrorIs(t, err, pgpmime.ErrNotSigned)
	_, err = decrypt(d, msg)
	require.ErrorIs(t, err, pgpmime.ErrNotEncrypted)
	var out bytes.Buffer
	require.Error(t, (&pgpmime.Signer{}).Sign(&out, strings.NewReader(msg)))
	require.Error(t, (&pgpmime.Encrypter{}).Encrypt(&out, strings.NewReader(msg)))
	eight := "From: a@b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nthư\r\n"
	require.ErrorContains(t, (&pgpmime.Signer{Key: w.alice}).Sign(&out, strings.NewReader(eight)), "7bit")
	signed := sign(t, &pgpmime.Signer{Key: w.alice}, msg)
	broken := strings.Replace(signed, "BEGIN PGP SIGNATURE", "BEGIN PGP MESSAGE", 1)
	_, err = v.Verify(strings.NewReader(broken), int64(len(broken)))
	require.ErrorIs(t, err, pgpmime.ErrSyntax)
	v.Limits.Size = 100
	_, err = v.Verify(strings.NewReader(signed), int64(len(signed)))
	require.ErrorContains(t, err, "limit")
	d.Limits.Recipients = 1
	_, err = decrypt(d, encrypt(t, &pgpmime.Encrypter{To: ring(w.alice, w.bob)}, msg))
	require.ErrorIs(t, err, pgpmime.ErrTooMany)
}
