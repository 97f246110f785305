package webmail_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// newKey makes an OpenPGP key; armored is its public part.
func (f *fixture) newKey(name, addr string) (e *openpgp.Entity, armored string) {
	f.Helper()
	e, err := openpgp.NewEntity(name, "", addr, &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	require.NoError(f, err)
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	require.NoError(f, err)
	require.NoError(f, e.Serialize(w))
	require.NoError(f, w.Close())
	return e, b.String()
}

// fillKeys adds messages with OpenPGP keys and signatures, and keeps a key. It returns pages: of a message that brings a key, of one signed by a key that isn't the one that is kept, of one signed by
// that, and of the contact who has it.
func (f *fixture) fillKeys() (brings, other, kept, contact string) {
	f.Helper()
	const hoa, minh = "Hoa Đặng <hoa@congty.example>", "Minh Lê <minh@example.test>"
	content := strings.ReplaceAll(pgpContent, "<b>pwn</b>", "Alice")
	message := func(from, kind, second string) string {
		return fmt.Sprintf("/mail/INBOX/%d", f.add("INBOX", strings.ReplaceAll("From: "+from+"\nSubject: Hợp đồng đã ký\nDate: Mon, 02 Mar 2026 09:30:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/"+kind+"; boundary=bb\n\n--bb\n"+content+
			"\n--bb\nContent-Type: application/"+second+"\n--bb--\n", "\r\n", "\n")))
	}
	signed := func(e *openpgp.Entity) string {
		var sig bytes.Buffer
		require.NoError(f, openpgp.ArmoredDetachSign(&sig, e, strings.NewReader(content), nil))
		return message(hoa, `signed; protocol="application/pgp-signature"; micalg=pgp-sha256`, "pgp-signature\n\n"+sig.String())
	}
	first, key := f.newKey("Hoa Đặng", "hoa@congty.example")
	second, _ := f.newKey("Hoa Đặng", "hoa@congty.example")
	_, third := f.newKey("Minh Lê", "minh@example.test")
	f.get(message(hoa, "mixed", "pgp-keys; name=key.asc\n\n"+key+"\n"))
	f.submit(f.url + "/key")
	require.Contains(f, f.page, "Key kept for hoa@congty.example")
	f.get("/contacts?q=hoa@congty.example")
	contact = "/contacts/" + f.lastUID()
	return message(minh, "mixed", "pgp-keys; name=key.asc\n\n"+third+"\n"), signed(second), signed(first), contact
}

// Days are written in the reader's way, and are those of the place where the reader is.
func TestDays(t *testing.T) {
	evening := time.Date(2027, 3, 2, 20, 0, 0, 0, time.UTC) // the next day in Việt Nam
	f := newFixture(t, func(c *webmail.Config) {
		c.Security, c.Now = &someWays{has: true}, func() time.Time { return evening }
	}).login()
	_, key := f.newKey("Hoa", "hoa@congty.example")
	uid := f.add("INBOX", "From: hoa@congty.example\nContent-Type: application/pgp-keys\n\n"+strings.ReplaceAll(key, "\r", "")+"\n")
	for _, c := range []struct{ lang, seen, since string }{
		{"en", "first seen on 02/03/2027, not compared", "kept since 02/03/2027"},
		{"vi", "thấy lần đầu ngày 03/03/2027, chưa đối chiếu", "giữ từ 03/03/2027"},
	} {
		f.get("/settings")
		f.submit("/settings", "lang", c.lang, "zone", "")
		f.get(fmt.Sprintf("/mail/INBOX/%d", uid))
		f.submit(f.url + "/key")
		f.get("/contacts")
		path := "/contacts/" + f.lastUID()
		f.get(path)
		require.Contains(t, f.page, c.seen)
		_, other := f.newKey("Hoa", "hoa@congty.example")
		f.submit(path, "do", "save", "key", other)
		f.get(path)
		require.Contains(t, f.page, c.since)
		require.NotContains(t, f.page, "2027-03")
		f.submit(path, "do", "delete")
		f.get("/sessions")
		require.Contains(t, f.page, "<td>02/03/2026</td>", "when an app password was made")
	}
}
