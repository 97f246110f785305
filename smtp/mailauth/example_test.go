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
