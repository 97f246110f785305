package report

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits bounds what a report that came from outside may cost. The zero value is safe.
type Limits struct {
	Packed  int64 // octets as it came. 0: 10 MiB, the limit that RFC 7489 section 7.2.1.1 speaks of
	XML     int64 // octets unpacked. 0: 32 MiB
	Records int   // 0: 100,000
	Text    int   // octets of one value. 0: 1,000
}

func (l Limits) withDefaults() Limits {
	if l.Packed <= 0 {
		l.Packed = 10 << 20
	}
	if l.XML <= 0 {
		l.XML = 32 << 20
	}
	if l.Records <= 0 {
		l.Records = 100_000
	}
	if l.Text <= 0 {
		l.Text = 1000
	}
	return l
}

// The reasons why a report isn't read.
var (
	ErrTooLarge = errors.New("report: larger than the limit")
	ErrSyntax   = errors.New("report: no DMARC report")
)

// Parse reads a report: XML, compressed with gzip, or the only file in a zip archive, as many send it. What RFC 7489 appendix C doesn't
// know is skipped, in any namespace. Errors are ErrTooLarge, ErrSyntax, or that of r.
func Parse(r io.Reader, limits Limits) (*Feedback, error) {
	lim := limits.withDefaults()
	packed := &bounded{r: r, left: lim.Packed}
	b := bufio.NewReader(packed)
	begin, _ := b.Peek(4)
	var in io.Reader = b
	switch {
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, packed.reason(err)
		}
		in = z
	case bytes.Equal(begin, []byte("PK\x03\x04")):
		all, err := io.ReadAll(b)
		if err != nil {
			return nil, packed.reason(err)
		}
		z, err := zip.NewReader(bytes.NewReader(all), int64(len(all)))
		if err != nil || len(z.File) != 1 {
			return nil, fmt.Errorf("%w: a zip archive without exactly one file", ErrSyntax)
		}
		f, err := z.File[0].Open()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
		}
		defer f.Close()
		in = f
	}
	unpacked := &bounded{r: in, left: lim.XML}
	f, err := parse(unpacked, lim)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(unpacked.err, ErrTooLarge):
		return nil, ErrTooLarge
	}
	return nil, packed.reason(err) // what unpacking complains of is the report's fault, and not of reading
}

// bounded reads up to a limit and keeps what went wrong besides.
type bounded struct {
	r    io.Reader
	left int64
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 && err != nil {
			return 0, b.keep(err)
		}
		b.err = ErrTooLarge
		return 0, b.err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, b.keep(err)
}

func (b *bounded) keep(err error) error {
	if err != nil && err != io.EOF {
		b.err = err
	}
	return err
}

// reason is the error of reading if there was one, else what was read is no report.
func (b *bounded) reason(err error) error {
	switch {
	case b.err != nil:
		return b.err
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrSyntax):
		return err
	}
	return fmt.Errorf("%w: %w", ErrSyntax, err)
}

// maxElement bounds one of the elements below the root, in octets: what a value or a list in it can take.
const maxElement = 256 << 10

// budget ends what is read with ErrTooLarge when one element takes too long.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func parse(r io.Reader, lim Limits) (*Feedback, error) {
	piece := &budget{r: r}
	d := xml.NewDecoder(piece)
	d.CharsetReader = charset
	root := false
	f := &Feedback{}
	for {
		piece.left = maxElement
		t, err := d.Token()
		if err == io.EOF && root {
			return f, nil
		}
		if err != nil {
			return nil, err
		}
		s, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if !root {
			if s.Name.Local != "feedback" {
				return nil, fmt.Errorf("%w: its root is %.40q", ErrSyntax, s.Name.Local)
			}
			root = true
			continue
		}
		switch s.Name.Local {
		case "version":
			err = d.DecodeElement(&f.Version, &s)
		case "report_metadata":
			err = d.DecodeElement(&f.Metadata, &s)
		case "policy_published":
			err = d.DecodeElement(&f.Policy, &s)
		case "record":
			if len(f.Records) >= lim.Records {
				return nil, ErrTooLarge
			}
			var rec Record
			if err = d.DecodeElement(&rec, &s); err == nil {
				f.Records = append(f.Records, rec)
				err = rec.check(lim)
			}
		default:
			err = d.Skip()
		}
		if err != nil {
			return nil, err
		}
		if err := f.check(lim); err != nil {
			return nil, err
		}
	}
}

// charset reads the encodings that are subsets of UTF-8 or of its first 256 characters.
func charset(label string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return r, nil
	case "iso-8859-1", "latin1", "windows-1252":
		return &latin{r: bufio.NewReader(r)}, nil
	}
	return nil, fmt.Errorf("%w: encoding %.40q", ErrSyntax, label)
}

type latin struct {
	r    *bufio.Reader
	rest []byte
}

func (l *latin) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		c, err := l.r.ReadByte()
		if err != nil {
			return 0, err
		}
		l.rest = []byte(string(rune(c)))
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (f *Feedback) check(lim Limits) error {
	m, p := &f.Metadata, &f.Policy
	if len(m.Errors) > 100 {
		return ErrTooLarge
	}
	return check(lim, append([]string{f.Version, m.Organization, m.Email, m.Contact, m.ID, p.Domain, p.DKIM, p.SPF, string(p.Policy), string(p.Subdomain),
		string(p.NonExistent), p.FailureOpts}, m.Errors...)...)
}

func (r *Record) check(lim Limits) error {
	if len(r.Row.Reasons)+len(r.Results.DKIM)+len(r.Results.SPF) > 100 {
		return ErrTooLarge
	}
	all := []string{r.Row.SourceIP, string(r.Row.Disposition), string(r.Row.DKIM), string(r.Row.SPF), r.Identifiers.EnvelopeTo,
		r.Identifiers.EnvelopeFrom, r.Identifiers.HeaderFrom}
	for _, x := range r.Row.Reasons {
		all = append(all, x.Type, x.Comment)
	}
	for _, x := range r.Results.DKIM {
		all = append(all, x.Domain, x.Selector, string(x.Result), x.Human)
	}
	for _, x := range r.Results.SPF {
		all = append(all, x.Domain, x.Scope, string(x.Result))
	}
	return check(lim, all...)
}

func check(lim Limits, values ...string) error {
	for _, v := range values {
		if len(v) > lim.Text {
			return ErrTooLarge
		}
	}
	return nil
}
