package tlsrpt

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/buuta/mail/smtp/mx"
)

// Filename returns the name of the report as an attachment (RFC 8460 section 5.1): sender "!" policy domain "!" begin "!"
// end "." extension.
func (r *Report) Filename(sender string) string {
	return fmt.Sprintf("%s!%s!%d!%d.json.gz", sender, r.domain, r.Range.Start.Unix(), r.Range.End.Unix())
}

// WriteTo writes the report as gzipped JSON, the content of application/tlsrpt+gzip (RFC 8460 section 6.3).
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	counted := &counter{w: w}
	z := gzip.NewWriter(counted)
	if err := json.NewEncoder(z).Encode(r); err != nil {
		return counted.n, err
	}
	err := z.Close()
	return counted.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// ReportTo looks up where a domain wants its reports: "mailto:" and "https:" URIs, none when it wants none (RFC 8460
// section 3).
func ReportTo(ctx context.Context, r mx.Resolver, domain string) ([]string, error) {
	records, err := r.LookupTXT(ctx, "_smtp._tls."+domain)
	var d *net.DNSError
	if errors.As(err, &d) && d.IsNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseRecord(records), nil
}

// ParseRecord finds the URIs in the TXT records of "_smtp._tls.domain". There must be exactly one that begins with
// "v=TLSRPTv1;" (RFC 8460 section 3). URIs of other schemes, and broken ones, are left out.
func ParseRecord(records []string) []string {
	found := ""
	for _, rec := range records {
		if strings.HasPrefix(rec, "v=TLSRPTv1;") {
			if found != "" {
				return nil
			}
			found = rec
		}
	}
	var out []string
	for field := range strings.SplitSeq(found, ";") {
		key, value, _ := strings.Cut(field, "=")
		if strings.TrimSpace(key) != "rua" {
			continue
		}
		for s := range strings.SplitSeq(value, ",") {
			s = strings.TrimSpace(s)
			u, err := url.Parse(s)
			if err == nil && (u.Scheme == "mailto" && u.Opaque != "" || u.Scheme == "https" && u.Host != "") && len(out) < 10 {
				out = append(out, s)
			}
		}
		break
	}
	return out
}
