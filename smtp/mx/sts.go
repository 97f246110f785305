package mx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
)

// STS finds the MTA-STS policies of domains (RFC 8461). The zero value works; it may be used by many goroutines at once.
type STS struct {
	Resolver Resolver // nil: the Transport's

	// HTTP fetches policies. nil means a client of its own that checks certificates. Redirects are never followed.
	HTTP *http.Client

	// Cache keeps policies. nil means in memory, which forgets them when the program ends: an attacker who can suppress
	// DNS answers then has a new chance.
	Cache STSCache

	Timeout time.Duration    // for a fetch; 0: 1 min (RFC 8461 section 3.3)
	Retry   time.Duration    // after a fetch that failed, no other for this domain; 0: 5 min
	Now     func() time.Time // nil: time.Now

	once   sync.Once
	cache  STSCache
	memory memoryCache
	client *http.Client
	mu     sync.Mutex
	failed map[string]time.Time // when the fetch for a domain failed
}

// STSCache keeps policies from one run to the next.
type STSCache interface {
	Load(ctx context.Context, domain string) (*STSPolicy, error) // nil when there is none
	Store(ctx context.Context, domain string, p *STSPolicy) error
}

// maxSTSBody is how much of a policy file is read.
const maxSTSBody = 64 << 10

// Lookup returns the policy that holds for a domain now, nil when there is none (RFC 8461 section 5.1). Whatever goes
// wrong on the way to a new policy leaves the cached one in force until it expires; an error says what it was.
func (s *STS) Lookup(ctx context.Context, domain string, r Resolver) (*STSPolicy, error) {
	s.once.Do(s.setup)
	domain, err := asciiDomain(domain)
	if err != nil {
		return nil, err
	}
	if s.Resolver != nil {
		r = s.Resolver
	}
	now := s.now()
	cached, err := s.cache.Load(ctx, domain)
	if err != nil || cached != nil && cached.Expired(now) {
		cached = nil
	}
	records, lookupErr := r.LookupTXT(ctx, "_mta-sts."+domain)
	if lookupErr != nil && len(records) == 0 {
		if notFound(lookupErr) {
			lookupErr = nil
		}
		return cached, lookupErr
	}
	id, ok := ParseSTSRecord(records)
	if !ok || cached != nil && cached.ID == id || s.resting(domain, now) {
		return cached, nil
	}
	p, err := s.Fetch(ctx, domain)
	if err != nil {
		s.rest(domain, now)
		return cached, err
	}
	p.ID, p.Fetched = id, now
	return p, s.cache.Store(ctx, domain, p)
}

func (s *STS) setup() {
	s.cache = s.Cache
	if s.cache == nil {
		s.cache = &s.memory
	}
	c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}}
	if s.HTTP != nil {
		c = *s.HTTP
	}
	// RFC 8461 section 3.3: "HTTP 3xx redirects MUST NOT be followed".
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client = &c
}

func (s *STS) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Fetch gets a domain's policy from its web server (RFC 8461 section 3.3).
func (s *STS) Fetch(ctx context.Context, domain string) (*STSPolicy, error) {
	s.once.Do(s.setup)
	d := s.Timeout
	if d == 0 {
		d = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://mta-sts."+domain+"/.well-known/mta-sts.txt", nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, &stsFetchError{webpki: certificateError(err), err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &stsFetchError{err: fmt.Errorf("HTTP status %d", resp.StatusCode)}
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return nil, &stsFetchError{err: fmt.Errorf("content type %q", resp.Header.Get("Content-Type"))}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSTSBody+1))
	switch {
	case err != nil:
		return nil, &stsFetchError{err: err}
	case len(body) > maxSTSBody:
		return nil, stsError("longer than %d octets", maxSTSBody)
	}
	return ParseSTSPolicy(string(body))
}

// stsFetchError tells what kept a policy from being fetched.
type stsFetchError struct {
	webpki bool
	err    error
}

func (e *stsFetchError) Error() string { return "fetching the MTA-STS policy: " + e.err.Error() }
func (e *stsFetchError) Unwrap() error { return e.err }

func certificateError(err error) bool {
	var c *tls.CertificateVerificationError
	return errors.As(err, &c)
}

// resting reports whether a fetch failed so recently that it isn't tried again (RFC 8461 section 3.3: "SHOULD wait for at
// least 5 minutes").
func (s *STS) resting(domain string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.failed[domain]
	if ok && now.Sub(t) >= s.retry() {
		delete(s.failed, domain)
		ok = false
	}
	return ok
}

func (s *STS) retry() time.Duration {
	if s.Retry == 0 {
		return 5 * time.Minute
	}
	return s.Retry
}

func (s *STS) rest(domain string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failed) >= 10_000 {
		for d, t := range s.failed {
			if now.Sub(t) >= s.retry() {
				delete(s.failed, d)
			}
		}
	}
	if s.failed == nil {
		s.failed = make(map[string]time.Time)
	}
	s.failed[domain] = now
}

// memoryCache is the cache of an STS that was given none.
type memoryCache struct {
	mu sync.Mutex
	m  map[string]*STSPolicy
}

func (c *memoryCache) Load(_ context.Context, domain string) (*STSPolicy, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[strings.ToLower(domain)], nil
}

func (c *memoryCache) Store(_ context.Context, domain string, p *STSPolicy) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= 100_000 {
		c.m = make(map[string]*STSPolicy)
	}
	c.m[strings.ToLower(domain)] = p
	return nil
}
