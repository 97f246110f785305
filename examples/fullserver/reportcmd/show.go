package reportcmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mx/tlsrpt"
)

const day = "2006-01-02"

// Show writes what a report says: a line with the sums, then a line for each thing that is not as it should be.
func (r Report) Show(w io.Writer) {
	if r.TLS != nil {
		showTLS(w, r.TLS)
		return
	}
	showDMARC(w, r.DMARC)
}

func showTLS(w io.Writer, r *tlsrpt.Report) {
	for _, p := range r.Policies {
		fmt.Fprintf(w, "TLS    %s  %s  policy %s, by %s: %d sessions good, %d failed\n", r.Range.Start.UTC().Format(day), plain(p.Policy.Domain), plain(p.Policy.Type), plain(r.Organization), p.Summary.Successful, p.Summary.Failed)
		for _, f := range p.Failures {
			fmt.Fprintf(w, "  %7d  %s  %s\n", f.Count, plain(string(f.Type)), plain(strings.Join(slices.DeleteFunc([]string{f.MXHost, f.ReceivingIP, f.Reason}, func(s string) bool { return s == "" }), "  ")))
		}
	}
}

func showDMARC(w io.Writer, f *report.Feedback) {
	var good, bad int64
	for _, rec := range f.Records {
		if aligned(&rec.Row) {
			good += rec.Row.Count
		} else {
			bad += rec.Row.Count
		}
	}
	fmt.Fprintf(w, "DMARC  %s  %s  policy %s, by %s: %d messages good, %d failed\n", f.Metadata.Begin.Time().Format(day), plain(f.Policy.Domain), plain(string(f.Policy.Policy)), plain(f.Metadata.Organization), good, bad)
	for _, rec := range f.Records {
		if aligned(&rec.Row) {
			continue
		}
		fmt.Fprintf(w, "  %7d  %s  %s  from %s%s\n", rec.Row.Count, plain(string(rec.Row.Disposition)), plain(rec.Row.SourceIP), plain(rec.Identifiers.HeaderFrom), results(&rec.Results))
	}
}

// aligned reports whether a message passed (RFC 7489 section 3.1: DKIM or SPF, and aligned).
func aligned(r *report.Row) bool { return r.DKIM == authres.Pass || r.SPF == authres.Pass }

// results are what was found, whatever it meant: mostly the reason.
func results(r *report.Results) string {
	var b strings.Builder
	for i, d := range r.DKIM {
		if i < 3 {
			fmt.Fprintf(&b, ", dkim=%s (%s)", plain(string(d.Result)), plain(d.Domain))
		}
	}
	for i, s := range r.SPF {
		if i < 2 {
			fmt.Fprintf(&b, ", spf=%s (%s)", plain(string(s.Result)), plain(s.Domain))
		}
	}
	return b.String()
}

// plain leaves nothing that a terminal would obey.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return '?'
		}
		return r
	}, s)
}
