package pgpmime_test

import (
	"bytes"
	"fmt"
	"log"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/pgpmime"
)

const note = "From: alice@example.test\r\nTo: bob@example.test\r\nSubject: The plan\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nAt noon.\r\n"

func ExampleSigner_Sign() {
	s := pgpmime.Signer{Key: world().alice} // an *openpgp.Entity with its private key
	var out bytes.Buffer
	if err := s.Sign(&out, strings.NewReader(note)); err != nil {
		log.Fatal(err)
	}
	m, err := mime.NewReader(&out)
	if err != nil {
		log.Fatal(err)
	}
	ct := m.Header.ContentType()
	fmt.Println(ct.MediaType(), ct.Param("micalg"), m.Header.Get("Subject"))
	// Output: multipart/signed pgp-sha256 The plan
}

func ExampleVerifier_Verify() {
	var msg bytes.Buffer
	if err := (&pgpmime.Signer{Key: world().alice}).Sign(&msg, strings.NewReader(note)); err != nil {
		log.Fatal(err)
	}
	v := pgpmime.Verifier{Keys: openpgp.EntityList{world().alice}}
	s, err := v.Verify(bytes.NewReader(msg.Bytes()), int64(msg.Len()))
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range s.Signatures {
		fmt.Println(g.Addresses, g.Err, g.MatchesFrom)
	}
	fmt.Println(s.Whole, s.Good())
	// Output:
	// [alice@example.test] <nil> true
	// true true
}

func ExampleDecrypter_Decrypt() {
	alice, bob := world().alice, world().bob
	var msg bytes.Buffer
	e := pgpmime.Encrypter{To: []*openpgp.Entity{bob, alice}, Sign: alice, ProtectHeader: true}
	if err := e.Encrypt(&msg, strings.NewReader(note)); err != nil {
		log.Fatal(err)
	}
	d := pgpmime.Decrypter{Keys: openpgp.EntityList{bob, alice}}
	got, err := d.Decrypt(bytes.NewReader(msg.Bytes()), int64(msg.Len()))
	if err != nil {
		log.Fatal(err)
	}
	content, err := mime.Read(bytes.NewReader(got.Content))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Header.Text("Subject"))
	fmt.Print(strings.TrimSpace(content.Text), " signed: ", got.Signed.Good(), "\n")
	// Output:
	// The plan
	// At noon. signed: true
}
