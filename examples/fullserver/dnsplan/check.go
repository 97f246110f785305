package dnsplan

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/spf"
)

// Resolver asks the DNS. *net.Resolver is one.
type Resolver interface {
	spf.Resolver
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

var _ Resolver = (*net.Resolver)(nil)

// State is how a record stands.
type State string

// The states.
const (
	Good    State = "ok"
	Missing State = "missing"
	Differs State = "differs" // what is there does another thing
	Unknown State = "unknown" // the DNS can't be asked
)

// Finding is what the DNS has of a record.
type Finding struct {
	State
	Found []string // what is there, where it differs
	Note  Note
}

// Note is what a person should know beside the state.
type Note string

// The notes.
const (
	TwoRecords Note = "two"     // two records where one counts, so none does
	NotAllowed Note = "refused" // SPF refuses an address of the server's
	Weak       Note = "none"    // DMARC asks for nothing to be done
	OtherKey   Note = "key"     // the key is another one
	Others     Note = "others"  // mail goes to other hosts too
)

// Fill looks up the addresses of the host's name where none were given, so that reverse records can be looked at.
func (s *Site) Fill(ctx context.Context, r Resolver) error {
	if len(s.Addrs) > 0 {
		return nil
	}
	list, err := r.LookupNetIP(ctx, "ip", s.Hostname)
	if gone(err) {
		return nil
	}
	for _, a := range list {
		s.Addrs = append(s.Addrs, a.Unmap())
	}
	slices.SortFunc(s.Addrs, netip.Addr.Compare)
	return err
}

// Check compares a record with what the DNS has.
func (s *Site) Check(ctx context.Context, r Resolver, rec *Record) Finding {
	switch rec.Kind {
	case Address:
		return s.address(ctx, r, rec)
	case Reverse:
		names, err := r.LookupAddr(ctx, rec.Name)
		return judge(err, trimmed(names), func(n string) bool { return strings.EqualFold(n, rec.Value) })
	case Exchange:
		return s.exchange(ctx, r, rec)
	case StrictAt, Find, SetUp:
		if rec.Type == "SRV" {
			return s.service(ctx, r, rec)
		}
		return s.sameHost(ctx, r, rec)
	}
	return s.text(ctx, r, rec)
}

// addresses are those of a name, as they are written.
func addresses(ctx context.Context, r Resolver, name string) (texts []string, err error) {
	list, err := r.LookupNetIP(ctx, "ip", name)
	for _, a := range list {
		texts = append(texts, a.Unmap().String())
	}
	return texts, err
}

// sameHost wants a name to lead to one of the server's addresses.
func (s *Site) sameHost(ctx context.Context, r Resolver, rec *Record) Finding {
	texts, err := addresses(ctx, r, rec.Name)
	return judge(err, texts, func(t string) bool {
		return slices.ContainsFunc(s.Addrs, func(a netip.Addr) bool { return a.String() == t })
	})
}

// service wants one of a service's records to name the port and the host; the weights are the site's choice.
func (s *Site) service(ctx context.Context, r Resolver, rec *Record) Finding {
	_, list, err := r.LookupSRV(ctx, "", "", rec.Name)
	var texts []string
	for _, v := range list {
		texts = append(texts, fmt.Sprintf("%d %d %d %s", v.Priority, v.Weight, v.Port, strings.TrimSuffix(v.Target, ".")))
	}
	last := func(text string) string { return strings.Join(strings.Fields(text)[2:], " ") }
	return judge(err, texts, func(t string) bool { return strings.EqualFold(last(t), last(rec.Value)) })
}

// judge is Good when one of what was found is right.
func judge(err error, found []string, right func(string) bool) Finding {
	switch {
	case gone(err), err == nil && len(found) == 0:
		return Finding{State: Missing}
	case err != nil:
		return Finding{State: Unknown, Found: []string{err.Error()}}
	case slices.ContainsFunc(found, right):
		return Finding{State: Good}
	}
	return Finding{State: Differs, Found: found}
}

func gone(err error) bool {
	d, ok := errors.AsType[*net.DNSError](err)
	return ok && d.IsNotFound
}

func trimmed(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.TrimSuffix(n, ".")
	}
	return out
}

func (s *Site) address(ctx context.Context, r Resolver, rec *Record) Finding {
	texts, err := addresses(ctx, r, rec.Name)
	return judge(err, texts, func(t string) bool { return t == rec.Value })
}

func (s *Site) exchange(ctx context.Context, r Resolver, rec *Record) Finding {
	list, err := r.LookupMX(ctx, rec.Name)
	var hosts []string
	for _, m := range list {
		hosts = append(hosts, strings.TrimSuffix(m.Host, "."))
	}
	f := judge(err, hosts, func(h string) bool { return strings.EqualFold(h, s.Hostname) })
	if f.State == Good && len(hosts) > 1 {
		f.Found, f.Note = hosts, Others
	}
	return f
}

// text looks at a TXT record of one of the kinds that begin with a version, of which there may be one only.
func (s *Site) text(ctx context.Context, r Resolver, rec *Record) Finding {
	list, err := r.LookupTXT(ctx, rec.Name)
	version, _, _ := strings.Cut(rec.Value, ";")
	if rec.Kind == Senders {
		version = "v=spf1"
	}
	var found []string
	for _, t := range list {
		head := strings.TrimSpace(strings.ToLower(t))
		if strings.HasPrefix(strings.ReplaceAll(head, " ", ""), strings.ToLower(version)) || rec.Kind == Sign && strings.Contains(head, "p=") {
			found = append(found, t)
		}
	}
	f := judge(err, found, func(string) bool { return true })
	if f.State != Good {
		return f
	}
	if len(found) > 1 {
		return Finding{State: Differs, Found: found, Note: TwoRecords}
	}
	wrong := func(n Note) Finding { return Finding{State: Differs, Found: found, Note: n} }
	tags := tagsOf(found[0])
	switch rec.Kind {
	case Sign:
		want := tagsOf(rec.Value)
		if strings.ReplaceAll(tags["p"], " ", "") != want["p"] {
			return wrong(OtherKey)
		}
	case Policy:
		if !strings.EqualFold(tags["p"], "quarantine") && !strings.EqualFold(tags["p"], "reject") {
			return Finding{State: Good, Found: found, Note: Weak}
		}
	case Senders:
		for _, a := range s.Addrs {
			c := &spf.Checker{Resolver: r, Hostname: s.Hostname, NoExplanation: true}
			if res := c.Check(ctx, a, s.Hostname, "postmaster@"+rec.Name); res.Result != authres.Pass {
				return wrong(NotAllowed)
			}
		}
	case Reports, Strict:
		return f // that there is one is enough: its id changes, its reader is the domain's choice
	}
	return f
}

// tagsOf are the name=value pairs of a record.
func tagsOf(text string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if name, value, ok := strings.Cut(part, "="); ok {
			out[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return out
}
