package mx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// STSMode is what a domain wants done about mail exchangers that don't fit its policy (RFC 8461 section 5).
type STSMode string

// The modes.
const (
	STSEnforce STSMode = "enforce" // no delivery to them
	STSTesting STSMode = "testing" // delivery as without a policy, and a report
	STSNone    STSMode = "none"    // as without a policy
)

// STSPolicy is a domain's MTA-STS policy (RFC 8461 section 3.2).
type STSPolicy struct {
	Mode    STSMode
	MX      []string      // patterns, in lower case: "mx.example.net", "*.example.net"
	MaxAge  time.Duration // how long it holds after Fetched
	ID      string        // of the TXT record that announced it
	Fetched time.Time
	Text    []string // its lines, for reports
}

// maxSTSAge is the longest max_age (RFC 8461 section 3.2: "maximum value of 31557600").
const maxSTSAge = 31557600

var errSTS = errors.New("bad MTA-STS policy")

func stsError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errSTS}, args...)...)
}

// ParseSTSPolicy reads the body of a policy file. Lines end in CRLF or LF; of a field that comes twice the first
// counts, mx aside; unknown fields are skipped.
func ParseSTSPolicy(body string) (*STSPolicy, error) {
	p := &STSPolicy{}
	seen := map[string]bool{}
	for line := range strings.SplitSeq(body, "\n") {
		line = strings.TrimRight(line, "\r \t")
		if line == "" {
			continue
		}
		p.Text = append(p.Text, line)
		key, value, ok := strings.Cut(line, ":")
		if !ok || !stsName(key) {
			return nil, stsError("line %q", line)
		}
		value = strings.Trim(value, " \t")
		if seen[key] && key != "mx" {
			continue
		}
		seen[key] = true
		if err := p.set(key, value); err != nil {
			return nil, err
		}
	}
	switch {
	case !seen["version"], !seen["mode"], !seen["max_age"]:
		return nil, stsError("version, mode or max_age is missing")
	case p.Mode != STSNone && len(p.MX) == 0:
		return nil, stsError("mx is missing")
	}
	return p, nil
}

func (p *STSPolicy) set(key, value string) error {
	switch key {
	case "version":
		if value != "STSv1" {
			return stsError("version %q", value)
		}
	case "mode":
		switch p.Mode = STSMode(value); p.Mode {
		case STSEnforce, STSTesting, STSNone:
		default:
			return stsError("mode %q", value)
		}
	case "max_age":
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || len(value) > 10 || value[0] == '+' {
			return stsError("max_age %q", value)
		}
		p.MaxAge = time.Duration(min(n, maxSTSAge)) * time.Second
	case "mx":
		rest, _ := strings.CutPrefix(value, "*.")
		name, err := asciiDomain(rest)
		if err != nil || strings.Contains(rest, "*") {
			return stsError("mx %q", value)
		}
		if rest != value {
			name = "*." + name
		}
		if len(p.MX) >= 200 {
			return stsError("more than 200 mx fields")
		}
		p.MX = append(p.MX, name)
	}
	return nil
}

// stsName checks a field's name (RFC 8461 section 3.2: sts-policy-ext-name).
func stsName(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9':
		case i > 0 && (c == '_' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// Match reports whether the policy names a mail exchanger. A "*" stands for exactly one label (RFC 8461 section 4.1).
func (p *STSPolicy) Match(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, parent, _ := strings.Cut(host, ".")
	for _, m := range p.MX {
		if m == host {
			return true
		}
		if rest, ok := strings.CutPrefix(m, "*."); ok && parent == rest {
			return true
		}
	}
	return false
}

// Expired reports whether the policy no longer holds.
func (p *STSPolicy) Expired(now time.Time) bool { return !now.Before(p.Fetched.Add(p.MaxAge)) }

// ParseSTSRecord finds the id in the TXT records of "_mta-sts.domain". There must be exactly one that begins with
// "v=STSv1;" (RFC 8461 section 3.1); otherwise the domain has no policy.
func ParseSTSRecord(records []string) (id string, ok bool) {
	found := ""
	for _, r := range records {
		if strings.HasPrefix(r, "v=STSv1;") || r == "v=STSv1" {
			if found != "" {
				return "", false
			}
			found = r
		}
	}
	for i, field := range strings.Split(found, ";") {
		key, value, _ := strings.Cut(field, "=")
		if i == 0 || strings.Trim(key, " \t") != "id" || id != "" {
			continue
		}
		id = strings.Trim(value, " \t")
		for _, c := range []byte(id) {
			if c|0x20 < 'a' && (c < '0' || c > '9') || c|0x20 > 'z' {
				return "", false
			}
		}
	}
	return id, id != "" && len(id) <= 32
}
