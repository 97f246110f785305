package spf_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/spf"
)

// May this host send for this domain? The DNS is a test's; yours is net.DefaultResolver.
func ExampleChecker_Check() {
	dns := mailauthtest.MustParse(`
		example.com          TXT  v=spf1 mx -all exp=why.%{d}
		example.com          MX   10 mx.example.com
		mx.example.com       A    192.0.2.1
		why.example.com      TXT  %{i} is not one of %{d}'s designated mail servers.`)
	c := &spf.Checker{Resolver: dns}
	for _, ip := range []string{"192.0.2.1", "203.0.113.7"} {
		r := c.Check(context.Background(), netip.MustParseAddr(ip), "mx.example.com", "joe@example.com")
		fmt.Printf("%s by %q: %q\n", r.Result, r.Term, r.Explanation)
	}
	// Output:
	// pass by "mx": ""
	// fail by "-all": "203.0.113.7 is not one of example.com's designated mail servers."
}

// Records can be read without asking anybody.
func ExampleParse() {
	r, err := spf.Parse("v=spf1 ip4:192.0.2.0/24 ~all")
	fmt.Println(r.Terms[0].Prefix, r.Terms[1].Result, err)
	_, err = spf.Parse("v=spf1 ipv4:192.0.2.0/24 ~all")
	fmt.Println(err)
	// Output:
	// 192.0.2.0/24 softfail <nil>
	// spf: syntax error in a record: "ipv4:192.0.2.0/24"
}
