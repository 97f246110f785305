package webmail_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"
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
