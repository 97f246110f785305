// Package reportcmd reads the reports that others send about a domain's mail, on DMARC (RFC 7489) and on TLS (RFC 8460), and shows what they say.
package reportcmd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mx/tlsrpt"
)

// Report is one of the two kinds.
type Report struct {
	DMARC *report.Feedback
	TLS   *tlsrpt.Report
}

// ErrNone says that there is no report in something.
var ErrNone = errors.New("has no report")

// maxReport is how much of an attachment is read: what receivers are ready for, by RFC 7489 and RFC 8460.
const maxReport = 10 << 20

// Find reads a message with reports in it, or a report as it is, packed or not. The error is ErrNone, that of a report that can't be read, or that of r.
func Find(r io.Reader) ([]Report, error) {
	b := bufio.NewReader(r)
	if begin, _ := b.Peek(4); bare(begin) {
		rep, err := parse(b)
		if err != nil {
			return nil, err
		}
		return []Report{rep}, nil
	}
	m, err := mime.NewReader(b)
	if err != nil {
		return nil, err
	}
	var out []Report
	var bad error
	for p, err := range m.Parts() {
		if err != nil {
			return out, err
		}
		if !carries(p) {
			continue
		}
		rep, err := parse(p)
		if err != nil {
			bad = err
			continue
		}
		out = append(out, rep)
	}
	if len(out) == 0 && bad == nil {
		bad = ErrNone
	}
	return out, bad
}

// bare reports whether something that begins so is a report and no message.
func bare(begin []byte) bool {
	begin = bytes.TrimPrefix(begin, []byte("\xef\xbb\xbf"))
	return bytes.HasPrefix(begin, []byte{0x1f, 0x8b}) || bytes.HasPrefix(begin, []byte("PK\x03\x04")) || bytes.HasPrefix(begin, []byte("<")) || bytes.HasPrefix(begin, []byte("{"))
}

// carries reports whether a part can be a report, by what it is called.
func carries(p *mime.BodyPart) bool {
	name := strings.ToLower(p.Filename())
	for _, end := range []string{".xml", ".xml.gz", ".zip", ".json", ".json.gz"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	switch strings.ToLower(p.Type.Type + "/" + p.Type.Subtype) {
	case "application/tlsrpt+gzip", "application/tlsrpt+json", "application/gzip", "application/x-gzip", "application/zip", "application/x-zip-compressed", "application/xml", "text/xml":
		return true
	}
	return false
}

// parse reads a report of either kind.
func parse(r io.Reader) (Report, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	switch {
	case err != nil:
		return Report{}, err
	case len(b) > maxReport:
		return Report{}, tlsrpt.ErrTooLarge
	}
	t, err := tlsrpt.Parse(bytes.NewReader(b), tlsrpt.Limits{})
	if err == nil {
		return Report{TLS: t}, nil
	}
	if errors.Is(err, tlsrpt.ErrTooLarge) {
		return Report{}, err
	}
	f, err := report.Parse(bytes.NewReader(b), report.Limits{})
	return Report{DMARC: f}, err
}
