package notice

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail/mime/dsn"
)

var errTooLong = errors.New("notice: a template says too much")

// write executes a template, and the one for each recipient.
func (s *Set) write(t *Template, r *dsn.Report, v Values) (string, error) {
	limit, most := s.Limits.Text, s.Limits.Recipients
	if limit == 0 {
		limit = 16 << 10
	}
	if most == 0 {
		most = 200
	}
	var b strings.Builder
	if err := t.text.Execute(&limited{&b, limit}, Data{Report: r, Values: v}); err != nil {
		return "", err
	}
	for i := range r.Recipients {
		if i == most {
			fmt.Fprintf(&b, "\n… +%d\n", len(r.Recipients)-most)
			break
		}
		c := r.Recipients[i]
		c.Diagnostic = strings.Join(strings.Fields(c.Diagnostic), " ")
		if c.Action == "" {
			c.Action = dsn.Failed
		}
		if s.Recipient == nil {
			b.WriteString("\n" + c.Line() + "\n")
			continue
		}
		b.WriteByte('\n')
		if err := s.Recipient.text.Execute(&limited{&b, limit}, Data{Report: r, Values: v, Recipient: &c}); err != nil {
			return "", err
		}
	}
	return dsn.Wrap(b.String()), nil
}

// limited takes so many octets.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errTooLong
	}
	return l.w.Write(p)
}

// Original is the address that the sender wrote, if it isn't the one that the mail went to; for recipient_template.
func (d Data) Original() string {
	_, orig, ok := strings.Cut(d.Recipient.Original, ";")
	if orig = strings.TrimSpace(orig); !ok || strings.EqualFold(orig, d.Recipient.Final) {
		return ""
	}
	return orig
}

// Until is until when delayed mail will be tried, "" when that isn't known.
func (d Data) Until() string {
	for i := range d.Recipients {
		if t := d.Recipients[i].WillRetryUntil; !t.IsZero() {
			return t.Format("Mon, 2 Jan 2006 15:04:05 -0700")
		}
	}
	return ""
}

// In is a time in whole units: seconds, minutes, hours, days or weeks.
func (Data) In(unit string, t time.Duration) (int64, error) {
	for u, size := range units {
		if u == unit {
			return int64(t / size), nil
		}
	}
	return 0, fmt.Errorf("notice: %q is no unit of time", unit)
}

var units = map[string]time.Duration{
	"seconds": time.Second, "minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}
