package dmarc_test

import (
	"context"
	"fmt"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// SPF has passed for a subdomain of the author's, which is aligned; for another domain it is worth nothing.
func ExampleChecker_Check() {
	c := &dmarc.Checker{Resolver: mailauthtest.MustParse("_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine")}
	for _, domain := range []string{"bounces.example.com", "example.net"} {
		r := c.Check(context.Background(), dmarc.Identities{From: []string{"news.example.com"}, SPF: authres.Pass, SPFDomain: domain})
		fmt.Println(r.Result, r.Disposition, r.PolicyDomain)
	}
	// Output:
	// pass none example.com
	// fail quarantine example.com
}
