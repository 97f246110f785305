package tlsrpt

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Message writes the mail that carries a report (RFC 8460 section 5.3). from is the address in the report's Contact, and to the receiver's. It says
// TLS-Required: No (RFC 8689), as TLS that doesn't work must not keep the report of it back; a program that hands it on should ask for the same in the envelope,
// and sign it by DKIM.
func (r *Report) Message(w io.Writer, from, to string, date time.Time) error {
	const boundary = "=_tlsrpt"
	submitter := from[strings.LastIndexByte(from, '@')+1:]
	var body bytes.Buffer
	if _, err := r.WriteTo(&body); err != nil {
		return err
	}
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	id := clean(r.ID) + "@" + clean(submitter)
	line("From: <%s>", clean(from))
	line("To: <%s>", clean(to))
	line("Subject: Report Domain: %s", clean(r.domain))
	line("\tSubmitter: %s", clean(submitter))
	line("\tReport-ID: <%s>", id)
	line("Date: %s", date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	line("Message-ID: <%s>", id)
	line("TLS-Report-Domain: %s", clean(r.domain))
	line("TLS-Report-Submitter: %s", clean(submitter))
	line("TLS-Required: No")
	line("Auto-Submitted: auto-generated")
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary=\"%s\"", boundary)
	line("")
	line("--%s", boundary)
	line("Content-Type: text/plain; charset=us-ascii")
	line("")
	line("This is an aggregate TLS report from %s", clean(submitter))
	line("on sessions with the mail servers of %s.", clean(r.domain))
	line("--%s", boundary)
	line("Content-Type: application/tlsrpt+gzip; name=\"%s\"", clean(r.Filename(submitter)))
	line("Content-Disposition: attachment; filename=\"%s\"", clean(r.Filename(submitter)))
	line("Content-Transfer-Encoding: base64")
	line("")
	text := base64.StdEncoding.EncodeToString(body.Bytes())
	for len(text) > 76 {
		line("%s", text[:76])
		text = text[76:]
	}
	line("%s", text)
	line("--%s--", boundary)
	_, err := w.Write(b.Bytes())
	return err
}

// clean leaves what can stand in a header field.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || r == '<' || r == '>' || r == '"' {
			return -1
		}
		return r
	}, s)
}

// Post sends the report by HTTPS (RFC 8460 section 5.4). The server's answer must be of class 2.
func (r *Report) Post(ctx context.Context, c *http.Client, url string) error {
	var body bytes.Buffer
	if _, err := r.WriteTo(&body); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/tlsrpt+gzip")
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	return nil
}
