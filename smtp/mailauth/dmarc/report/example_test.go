package report_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// Messages are counted as they come in; at the day's end each domain's owner gets a report, and reads it.
func Example() {
	dns := mailauthtest.MustParse("_dmarc.example.com TXT v=DMARC1; p=quarantine; rua=mailto:reports@example.com")
	c := &report.Collector{Organization: "Example Mail", Email: "postmaster@mx.example.org"}
	v := &mailauth.Verifier{Resolver: dns}
	results, err := v.Verify(context.Background(), strings.NewReader("From: joe@example.com\r\n\r\n"), mailauth.Envelope{IP: netip.MustParseAddr("192.0.2.1"), From: "a@example.net"})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Add(&report.Message{Results: results, EnvelopeFrom: "example.net", Disposition: dmarc.PolicyQuarantine})

	for _, r := range c.TakeAll() { // Take at midnight
		to, _ := report.Destinations(context.Background(), &dmarc.Checker{Resolver: dns}, r.Feedback.Policy.Domain, r.To)
		var file bytes.Buffer
		if err := r.Feedback.Gzip(&file); err != nil {
			fmt.Println(err)
			return
		}
		read, err := report.Parse(&file, report.Limits{})
		if err != nil {
			fmt.Println(err)
			return
		}
		row := read.Records[0].Row
		fmt.Println(to, read.Policy.Domain, row.SourceIP, row.Count, row.Disposition)
	}
	// Output: [reports@example.com] example.com 192.0.2.1 1 quarantine
}
