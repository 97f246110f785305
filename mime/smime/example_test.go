package smime_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"log"
	"strings"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/smime"
)

const note = "From: alice@example.test\r\nTo: bob@example.test\r\nSubject: The plan\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nAt noon.\r\n"

func ExampleSigner_Sign() {
	alice := world().alice // certificate and key, from wherever they are kept
	s := smime.Signer{Certificate: alice.cert, Key: alice.key}
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
	// Output: multipart/signed sha-256 The plan
}

func ExampleVerifier_Verify() {
	alice := world().alice
	var msg bytes.Buffer
	if err := (&smime.Signer{Certificate: alice.cert, Key: alice.key}).Sign(&msg, strings.NewReader(note)); err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(world().cert)
	v := smime.Verifier{Roots: roots}
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
	e := smime.Encrypter{
		To:            []*x509.Certificate{bob.cert, alice.cert},
		Signer:        &smime.Signer{Certificate: alice.cert, Key: alice.key},
		ProtectHeader: true,
	}
	var msg bytes.Buffer
	if err := e.Encrypt(&msg, strings.NewReader(note)); err != nil {
		log.Fatal(err)
	}
	d := smime.Decrypter{
		Keys:     smime.Keys(smime.KeyPair{Certificate: bob.cert, Key: bob.key}),
		Verifier: world().verifier(),
	}
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
