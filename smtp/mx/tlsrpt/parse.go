package tlsrpt

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mx"
)

// Limits bounds what a report that came from outside may cost. The zero value is safe.
type Limits struct {
	JSON     int64 // octets unpacked. 0: 16 MiB
	Policies int   // 0: 1,000
	Failures int   // of one policy. 0: 10,000
	Text     int   // octets of one value. 0: 1,000
}

func (l Limits) withDefaults() Limits {
	if l.JSON <= 0 {
		l.JSON = 16 << 20
	}
	l.Policies, l.Failures, l.Text = limit(l.Policies, 1000), limit(l.Failures, 10_000), limit(l.Text, 1000)
	return l
}

// The reasons why a report isn't read.
var (
	ErrTooLarge = errors.New("tlsrpt: larger than the limit")
	ErrSyntax   = errors.New("tlsrpt: no TLS report")
)

// Parse reads a report as it came, JSON or gzip of it (RFC 8460 section 4.4). What the RFC doesn't know is skipped. Errors are ErrTooLarge, ErrSyntax, or that of r.
func Parse(r io.Reader, limits Limits) (*Report, error) {
	lim := limits.withDefaults()
	b := bufio.NewReader(r)
	var in io.Reader = b
	if begin, _ := b.Peek(2); string(begin) == "\x1f\x8b" {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
		}
		in = z
	}
	text, err := io.ReadAll(io.LimitReader(in, lim.JSON+1))
	switch {
	case int64(len(text)) > lim.JSON:
		return nil, ErrTooLarge
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	case err != nil:
		if in != io.Reader(b) {
			return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
		}
		return nil, err
	}
	rep := &Report{}
	if err := json.Unmarshal(text, rep); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return rep, rep.check(lim)
}

// check looks at what a report says and cuts what is too long.
func (r *Report) check(lim Limits) error {
	if r.Range.Start.IsZero() || r.Range.End.Before(r.Range.Start) || r.Range.End.Sub(r.Range.Start) > 366*24*time.Hour {
		return fmt.Errorf("%w: its date-range can't be", ErrSyntax)
	}
	if len(r.Policies) > lim.Policies {
		return ErrTooLarge
	}
	cut := func(texts ...*string) {
		for _, s := range texts {
			if len(*s) > lim.Text {
				*s = strings.ToValidUTF8((*s)[:lim.Text], "")
			}
		}
	}
	cut(&r.Organization, &r.Contact, &r.ID)
	for _, p := range r.Policies {
		if p == nil {
			return fmt.Errorf("%w: a policy is null", ErrSyntax)
		}
		if len(p.Failures) > lim.Failures || len(p.Policy.String) > lim.Failures || len(p.Policy.MXHost) > lim.Failures {
			return ErrTooLarge
		}
		if p.Summary.Successful < 0 || p.Summary.Failed < 0 {
			return fmt.Errorf("%w: a negative count", ErrSyntax)
		}
		cut(&p.Policy.Type, &p.Policy.Domain)
		for _, list := range [][]string{p.Policy.String, p.Policy.MXHost} {
			for i := range list {
				cut(&list[i])
			}
		}
		for _, f := range p.Failures {
			if f == nil || f.Count < 0 {
				return fmt.Errorf("%w: a failure that can't be", ErrSyntax)
			}
			kind := string(f.Type)
			cut(&kind, &f.SendingIP, &f.MXHost, &f.ReceivingHelo, &f.ReceivingIP, &f.Reason)
			f.Type = mx.TLSFailure(kind)
		}
		if r.domain == "" {
			r.domain = p.Policy.Domain
		}
	}
	return nil
}

// Snapshot returns all that has been counted and not been taken, today's too, for [Collector.Restore] in a later run. Nothing may be added meanwhile.
func (c *Collector) Snapshot() []*Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*Report
	for _, domains := range c.days {
		for _, r := range domains {
			out = append(out, r)
		}
	}
	return out
}

// Restore goes on where a Snapshot was made. What is there already stays.
func (c *Collector) Restore(list []*Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range list {
		if r == nil || r.check(Limits{}.withDefaults()) != nil || r.domain == "" {
			continue
		}
		day := r.Range.Start.UTC().Truncate(24 * time.Hour)
		if fresh := c.report(day, r.domain); fresh != nil && len(fresh.Policies) == 0 {
			fresh.Policies, fresh.ID = r.Policies, r.ID
		}
	}
}
