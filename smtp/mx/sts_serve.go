package mx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// STSPath is where a domain's policy is, at the host "mta-sts." and the domain, by HTTPS (RFC 8461 section 3.2).
const STSPath = "/.well-known/mta-sts.txt"

// String writes the policy as its file has it (RFC 8461 section 3.2). Names beyond ASCII must be in their A-label form.
func (p *STSPolicy) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: STSv1\r\nmode: %s\r\n", p.Mode)
	for _, m := range p.MX {
		fmt.Fprintf(&b, "mx: %s\r\n", m)
	}
	fmt.Fprintf(&b, "max_age: %d\r\n", p.MaxAge/time.Second)
	return b.String()
}

// NewID returns an id for the policy's TXT record that is another one for another policy, and the same for the same (RFC 8461 section 3.1).
func (p *STSPolicy) NewID() string {
	sum := sha256.Sum256([]byte(p.String()))
	return hex.EncodeToString(sum[:16])
}

// STSRecord is the TXT record of "_mta-sts.domain" that announces a policy.
func STSRecord(id string) string { return "v=STSv1; id=" + id + ";" }

// STSHandler serves the policies of domains, for the hosts that are named "mta-sts." and one of them. find returns nil for a domain that has none. It must be
// served by HTTPS, with a certificate for each of these hosts.
func STSHandler(find func(domain string) *STSPolicy) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(r.Host)
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		domain, ok := strings.CutPrefix(strings.TrimSuffix(host, "."), "mta-sts.")
		var p *STSPolicy
		if ok && r.URL.Path == STSPath {
			p = find(domain)
		}
		switch {
		case p == nil:
			http.NotFound(w, r)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=us-ascii")
		// Section 3.3: "HTTP caching (as specified in [RFC7234]) MUST NOT be used"; a cache on the way that doesn't know should not either.
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte(p.String()))
	})
}
