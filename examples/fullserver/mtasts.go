package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp/mx"
)

// mtaSTS prints the records of the DNS that mta_sts_domains and tls_report_to need, in the form of a zone file.
func mtaSTS(file string, over overrides, out io.Writer) error {
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		return err
	}
	s := &c.Settings
	if len(s.STS.Domains) == 0 {
		return errors.New("mta_sts_domains names no domain")
	}
	p, err := server.STSPolicy(s)
	if err != nil {
		return c.ErrorFor("mta_sts_mx", err)
	}
	for _, d := range s.STS.Domains {
		fmt.Fprintf(out, "; policy of %s, id %s\n", d, p.NewID())
		for line := range strings.Lines(p.String()) {
			fmt.Fprintf(out, ";   %s\n", strings.TrimSpace(line))
		}
		fmt.Fprintf(out, "_mta-sts.%s. TXT \"%s\"\n", d, mx.STSRecord(p.NewID()))
		fmt.Fprintf(out, "mta-sts.%s. CNAME %s.\n", d, s.MyHostname)
		if len(s.STS.ReportTo) > 0 {
			fmt.Fprintf(out, "_smtp._tls.%s. TXT \"v=TLSRPTv1; rua=%s\"\n", d, strings.Join(s.STS.ReportTo, ","))
		}
	}
	return nil
}
