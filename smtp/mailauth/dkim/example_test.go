package dkim_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// A message is signed and its signature checked. The field is put before the message.
func Example() {
	key := ed25519.NewKeyFromSeed(make([]byte, 32)) // yours comes from a file
	const message = "From: Joe <joe@example.com>\r\nSubject: Dinner\r\n\r\nIs it ready?\r\n"
	field, err := dkim.Sign(strings.NewReader(message), 0, &dkim.Signer{Domain: "example.com", Selector: "2026", Key: key, Expire: 7 * 24 * time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	dns := mailauthtest.MustParse("2026._domainkey.example.com TXT v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
	v := &dkim.Verifier{Resolver: dns}
	for _, m := range []string{field + message, field + strings.Replace(message, "Dinner", "Supper", 1)} {
		list, err := v.Verify(context.Background(), strings.NewReader(m))
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, s := range list {
			fmt.Println(s.Domain, s.Result, s.Err)
		}
	}
	// Output:
	// example.com pass <nil>
	// example.com fail signature did not verify
}
