package mailauth_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

const letter = "From: Joe <joe@example.com>\r\nTo: suzie@example.net\r\nSubject: Dinner\r\n" +
	"Date: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.com>\r\n\r\nIs it ready?\r\n"

// A message goes out signed, and is checked where it comes in.
func Example() {
	key := ed25519.NewKeyFromSeed(make([]byte, 32)) // yours comes from a file
	signature, err := mailauth.Sign(strings.NewReader(letter),
		&dkim.Signer{Domain: "example.com", Selector: "2026", Key: key})
	if err != nil {
		fmt.Println(err)
		return
	}

	dns := mailauthtest.MustParse(`
		example.com                  TXT  v=spf1 ip4:192.0.2.0/24 -all
		2026._domainkey.example.com  TXT  v=DKIM1; k=ed25519; p=` + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) + `
		_dmarc.example.com           TXT  v=DMARC1; p=reject`)
	v := &mailauth.Verifier{Resolver: dns} // yours is net.DefaultResolver
	results, err := v.Verify(context.Background(), strings.NewReader(signature+letter),
		mailauth.Envelope{IP: netip.MustParseAddr("192.0.2.1"), Helo: "mx.example.com", From: "joe@example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(results)
	fmt.Println(results.DMARC.Disposition)
	// Output:
	// spf=pass dkim=pass dmarc=pass arc=none
	// none
}

// A message goes out with the signatures of its author's domain: here with an old and a new key.
func ExampleSignAuthor() {
	keys := map[string][]*dkim.Signer{"example.com": {
		{Domain: "example.com", Selector: "2025", Key: ed25519.NewKeyFromSeed(make([]byte, 32))},
		{Domain: "example.com", Selector: "2026", Key: ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))},
	}}
	fields, err := mailauth.SignAuthor(strings.NewReader(letter), func(domain string) []*dkim.Signer { return keys[domain] })
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Count(fields, "DKIM-Signature:"))
	// Output: 2
}

// A message came in: its Authentication-Results field is put on top of it. [Results] has what a decision needs.
func ExampleVerifier_Verify() {
	dns := mailauthtest.MustParse("_dmarc.example.com TXT v=DMARC1; p=quarantine")
	v := &mailauth.Verifier{Resolver: dns}
	results, err := v.Verify(context.Background(), strings.NewReader(letter),
		mailauth.Envelope{IP: netip.MustParseAddr("192.0.2.1"), Helo: "mx.example.net", From: "bounces@example.net"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.NewReplacer("\r", "", "\t", "  ").Replace(results.Authentication("mx.example.org").String()))
	if results.DMARC.Disposition != dmarc.PolicyNone {
		fmt.Println("keep it away:", results.DMARC.Disposition)
	}
	// Output:
	// Authentication-Results: mx.example.org;
	//   spf=none smtp.mailfrom=bounces@example.net;
	//   dkim=none;
	//   dmarc=fail (p=quarantine) header.from=example.com
	//    policy.dmarc=quarantine;
	//   arc=none
	// keep it away: quarantine
}

// Fields that pretend to be ours go before our own is put on top.
func ExampleClean() {
	forged := "Authentication-Results: mx.example.org; dmarc=pass\r\n" + letter
	cleaned, removed, err := mailauth.Clean(strings.NewReader(forged), 0, "mx.example.org")
	if err != nil {
		fmt.Println(err)
		return
	}
	b, _ := io.ReadAll(cleaned)
	fmt.Println(removed, string(b) == letter)
	// Output: 1 true
}
