package report

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// XML writes the report as XML (RFC 7489 appendix C).
func (f *Feedback) XML(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.EncodeElement(f, xml.StartElement{Name: xml.Name{Local: "feedback"}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// Gzip writes the report as XML compressed with gzip, as it is sent.
func (f *Feedback) Gzip(w io.Writer) error {
	z := gzip.NewWriter(w)
	if err := f.XML(z); err != nil {
		return err
	}
	return z.Close()
}

// Filename returns the name of the compressed report (RFC 7489 section 7.2.1.1). receiver is the domain of who reports.
func (f *Feedback) Filename(receiver string) string {
	return fmt.Sprintf("%s!%s!%d!%d.xml.gz", plain(receiver), plain(f.Policy.Domain), f.Metadata.Begin, f.Metadata.End)
}

// Subject returns the Subject of the message that brings the report, on one line.
func (f *Feedback) Subject(receiver string) string {
	return fmt.Sprintf("Report Domain: %s Submitter: %s Report-ID: <%s>", plain(f.Policy.Domain), plain(receiver), plain(f.Metadata.ID))
}

// plain keeps what a name in a header field and a file's name may have.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"\/<>!`, r) {
			return '_'
		}
		return r
	}, s)
}

// Message writes a message that brings the report, from one address to another, with CRLF line ends. It must be signed, so that it
// passes DMARC itself (RFC 7489 section 7.2.1.1), and be sent from the null reverse-path or one whose bounces nobody answers.
func (f *Feedback) Message(w io.Writer, receiver, from, to string, date time.Time) error {
	const boundary = "=_report"
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("From: <%s>", plainAddress(from))
	line("To: <%s>", plainAddress(to))
	line("Subject: Report Domain: %s", plain(f.Policy.Domain))
	line("\tSubmitter: %s", plain(receiver))
	line("\tReport-ID: <%s>", plain(f.Metadata.ID))
	line("Date: %s", date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	line("Message-ID: <%s@%s>", strings.ReplaceAll(plain(f.Metadata.ID), "@", "."), plain(receiver))
	line("Auto-Submitted: auto-generated")
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/mixed; boundary=\"%s\"", boundary)
	line("")
	line("--%s", boundary)
	line("Content-Type: text/plain; charset=us-ascii")
	line("")
	line("This is a DMARC aggregate report on mail from %s,", plain(f.Policy.Domain))
	line("received by %s from %s to %s.", plain(receiver), f.Metadata.Begin.Time().Format(time.RFC3339), f.Metadata.End.Time().Format(time.RFC3339))
	line("--%s", boundary)
	line("Content-Type: application/gzip; name=\"%s\"", f.Filename(receiver))
	line("Content-Disposition: attachment; filename=\"%s\"", f.Filename(receiver))
	line("Content-Transfer-Encoding: base64")
	line("")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	lines := &wrapper{w: w}
	enc := base64.NewEncoder(base64.StdEncoding, lines)
	if err := f.Gzip(enc); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\r\n--"+boundary+"--\r\n")
	return err
}

func plainAddress(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '<' || r == '>' {
			return -1
		}
		return r
	}, s)
}

// wrapper breaks base64 into lines of 76.
type wrapper struct {
	w io.Writer
	n int
}

func (l *wrapper) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if l.n == 76 {
			if _, err := io.WriteString(l.w, "\r\n"); err != nil {
				return 0, err
			}
			l.n = 0
		}
		n := min(len(p), 76-l.n)
		if _, err := l.w.Write(p[:n]); err != nil {
			return 0, err
		}
		l.n, p = l.n+n, p[n:]
	}
	return total, nil
}
