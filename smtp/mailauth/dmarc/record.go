package dmarc

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Record is a policy record (section 4.7).
type Record struct {
	Policy      Policy // p=; PolicyNone where it isn't valid and rua= is there
	Subdomain   Policy // sp=; "" where it isn't given
	NonExistent Policy // np=; likewise

	StrictDKIM bool   // adkim=s
	StrictSPF  bool   // aspf=s
	PSD        string // psd=: "y", "n", "u"
	Testing    bool   // t=y, or RFC 7489's pct=0

	AggregateTo []string // rua=: URIs; sizes of RFC 7489 ("!10m") are taken off
	FailureTo   []string // ruf=
	FailureOpts []string // fo=; "0" where it isn't given
	Interval    int      // ri= of RFC 7489, in seconds; 86400 where it isn't given
	Percent     int      // pct= of RFC 7489; 100 where it isn't given. It changes nothing here

	Invalid bool // without a valid policy and rua=: DMARC isn't applied (section 4.10.1)
}

const (
	maxRecord = 8192
	maxURIs   = 10
)

// IsRecord reports whether a text record is one of DMARC: its first tag is v=DMARC1.
func IsRecord(s string) bool {
	tag, _, _ := strings.Cut(s, ";")
	name, value, ok := strings.Cut(tag, "=")
	return ok && strings.TrimRight(name, " \t") == "v" && strings.Trim(value, " \t") == "DMARC1"
}

// Parse reads a record. What is wrong in it is as if it weren't there, but for v= (section 4.8).
func Parse(s string) (*Record, error) {
	if !IsRecord(s) || len(s) > maxRecord {
		return nil, ErrSyntax
	}
	r := &Record{PSD: "u", FailureOpts: []string{"0"}, Interval: 86400, Percent: 100}
	seen := uint32(0)
	var bad bool
	_, rest, _ := strings.Cut(s, ";")
	for tag := range strings.SplitSeq(rest, ";") {
		name, value, ok := strings.Cut(tag, "=")
		if !ok {
			continue
		}
		name, value = strings.ToLower(strings.Trim(name, " \t")), strings.Trim(value, " \t")
		if i := slices.Index(tagNames, name); i < 0 || seen&(1<<i) != 0 { // the first counts
			continue
		} else {
			seen |= 1 << i
		}
		bad = !r.set(name, value) || bad
	}
	if r.Policy == "" { // section 4.7: without p= it is as if p=none was there
		r.Policy = PolicyNone
	}
	if bad {
		r.Policy, r.Subdomain, r.NonExistent = PolicyNone, "", ""
		r.Invalid = len(r.AggregateTo) == 0
	}
	return r, nil
}

var tagNames = []string{"p", "sp", "np", "adkim", "aspf", "psd", "t", "rua", "ruf", "fo", "ri", "pct"}

// set takes one tag. It reports false for a policy that isn't valid.
func (r *Record) set(name, value string) bool {
	switch name {
	case "p":
		return policy(&r.Policy, value)
	case "sp":
		return policy(&r.Subdomain, value)
	case "np":
		return policy(&r.NonExistent, value)
	case "adkim":
		r.StrictDKIM = strings.EqualFold(value, "s")
	case "aspf":
		r.StrictSPF = strings.EqualFold(value, "s")
	case "psd":
		if v := strings.ToLower(value); v == "y" || v == "n" {
			r.PSD = v
		}
	case "t":
		r.Testing = r.Testing || strings.EqualFold(value, "y")
	case "rua":
		r.AggregateTo = uris(value)
	case "ruf":
		r.FailureTo = uris(value)
	case "fo":
		r.failure(value)
	case "ri":
		if n, err := strconv.ParseUint(value, 10, 31); err == nil {
			r.Interval = int(n)
		}
	case "pct":
		if n, err := strconv.Atoi(value); err == nil && n >= 0 && n <= 100 {
			r.Percent = n
			r.Testing = r.Testing || n == 0 // appendix A.6: what pct=0 was used for
		}
	}
	return true
}

func policy(p *Policy, value string) bool {
	switch v := Policy(strings.ToLower(value)); v {
	case PolicyNone, PolicyQuarantine, PolicyReject:
		*p = v
		return true
	}
	return false
}

func (r *Record) failure(value string) {
	var out []string
	for v := range strings.SplitSeq(value, ":") {
		v = strings.ToLower(strings.Trim(v, " \t"))
		if !slices.Contains([]string{"0", "1", "d", "s"}, v) || slices.Contains(out, v) {
			return
		}
		out = append(out, v)
	}
	r.FailureOpts = out
}

// uris reads a list of URIs. Those that aren't valid are left out.
func uris(value string) []string {
	var out []string
	for s := range strings.SplitSeq(value, ",") {
		s = strings.Trim(s, " \t")
		s, _, _ = strings.Cut(s, "!") // obs-dmarc-report-size
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.Opaque == "" && u.Host == "" || len(out) >= maxURIs {
			continue
		}
		if strings.EqualFold(u.Scheme, "mailto") && !strings.Contains(u.Opaque, "@") {
			continue
		}
		out = append(out, s)
	}
	return out
}
