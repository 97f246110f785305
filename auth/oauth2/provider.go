package oauth2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is an issuer whose keys are fetched by what it publishes about itself (OpenID Connect Discovery 1.0, RFC 8414): they are [Keys] for its own
// tokens and nobody else's. They are fetched when they are first needed, again after MaxAge, and when a token names a key that isn't
// among them, but no more often than once in MinInterval. While the issuer can't be reached those that were known count for MaxStale.
//
// Fields must not change once it is used.
type Provider struct {
	// Configuration is where it publishes: https://id.example.org/.well-known/openid-configuration.
	Configuration string
	// Issuer is what it calls itself. Empty: what its configuration says, which must be the beginning of Configuration's address.
	Issuer string
	Client *http.Client // nil: one that waits ten seconds

	MaxAge      time.Duration // 0: an hour
	MinInterval time.Duration // 0: 30 s
	MaxStale    time.Duration // 0: 24 h
	Now         func() time.Time

	mu      sync.Mutex
	known   *published
	tried   time.Time // of the last attempt to fetch
	failed  error     // how it ended
	pending chan struct{}
}

// published is what an issuer has said.
type published struct {
	issuer  string
	keys    map[string][]Key // by "kid"
	all     []Key
	fetched time.Time
}

// maxKeys bounds what one issuer may have.
const maxKeys = 200

// Keys implements [Keys].
func (p *Provider) Keys(ctx context.Context, use KeyUse) ([]Key, error) {
	for range 2 {
		set, fetching, err := p.state(use)
		if fetching == nil {
			if err != nil {
				return nil, err
			}
			return set.find(use), nil
		}
		select {
		case <-fetching:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		return nil, p.failed
	}
	return p.known.find(use), nil
}

// state returns what counts now, or a channel that is closed when a fetch that is worth waiting for has ended.
func (p *Provider) state(use KeyUse) (set *published, fetching chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	age := time.Duration(0)
	if p.known != nil {
		age = now.Sub(p.known.fetched)
		if use.Issuer != p.known.issuer {
			return p.known, nil, nil // a stranger's token is no reason to ask
		}
	}
	again := p.tried.IsZero() || now.Sub(p.tried) >= or(p.MinInterval, 30*time.Second)
	wanted := p.known == nil || age >= or(p.MaxAge, time.Hour) || len(p.known.find(use)) == 0
	switch {
	case wanted && p.pending != nil:
		return nil, p.pending, nil
	case wanted && again:
		p.tried, p.pending = now, make(chan struct{})
		go p.fetch(p.pending)
		return nil, p.pending, nil
	case p.known == nil, age >= or(p.MaxStale, 24*time.Hour):
		return nil, nil, p.failed
	}
	return p.known, nil, nil
}

// fetch asks the issuer, whoever waits for it.
func (p *Provider) fetch(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	set, err := p.ask(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = err
	if err == nil {
		set.fetched = p.now()
		p.known = set
	} else if p.known != nil && p.now().Sub(p.known.fetched) >= or(p.MaxStale, 24*time.Hour) {
		p.known = nil
	}
	p.pending = nil
	close(done)
}

func (p *Provider) ask(ctx context.Context) (*published, error) {
	c, err := p.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	b, err := get(ctx, p.Client, c.JWKSURI)
	if err != nil {
		return nil, err
	}
	set, err := parseKeySet(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.JWKSURI, err)
	}
	set.issuer = c.Issuer
	return set, nil
}

// Metadata is what an issuer says of itself (RFC 8414 section 2).
type Metadata struct {
	Issuer                string `json:"issuer"`
	JWKSURI               string `json:"jwks_uri"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
}

// Metadata fetches it.
func (p *Provider) Metadata(ctx context.Context) (*Metadata, error) {
	b, err := get(ctx, p.Client, p.Configuration)
	if err != nil {
		return nil, err
	}
	m := new(Metadata)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Configuration, err)
	}
	// "The issuer value returned MUST be identical to the authorization server's issuer identifier value" (RFC 8414 section 3.3).
	if want := p.Issuer; want != "" && m.Issuer != want || want == "" && !issues(m.Issuer, p.Configuration) {
		return nil, fmt.Errorf("%s: calls itself %s", p.Configuration, excerpt(m.Issuer))
	}
	from, _ := url.Parse(p.Configuration)
	u, err := url.Parse(m.JWKSURI)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != from.Scheme {
		return nil, fmt.Errorf("%s: jwks_uri %s can't be used", p.Configuration, excerpt(m.JWKSURI))
	}
	return m, nil
}

// issues reports whether an issuer's configuration lies at address: behind its name (OpenID Connect Discovery 1.0 section 4), or between host and path (RFC
// 8414 section 3.1).
func issues(issuer, address string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return false
	}
	base := strings.TrimSuffix(issuer, "/")
	for _, name := range []string{"openid-configuration", "oauth-authorization-server"} {
		between := u.Scheme + "://" + u.Host + "/.well-known/" + name + strings.TrimSuffix(u.Path, "/")
		if address == base+"/.well-known/"+name || address == between {
			return true
		}
	}
	return false
}

// parseKeySet reads a JWK Set (RFC 7517 section 5). Keys of other kinds, secrets and keys for encryption are left out.
func parseKeySet(b []byte) (*published, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if len(doc.Keys) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	set := &published{keys: map[string][]Key{}}
	for _, raw := range doc.Keys {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(raw) != nil || !k.Valid() || k.Use != "" && k.Use != "sig" {
			continue // "Implementations SHOULD ignore JWKs within a JWK Set that use kty values that are not understood" (section 5)
		}
		if _, secret := k.Key.([]byte); secret {
			continue // published, it is none
		}
		key := Key{Algorithm: k.Algorithm, Public: k.Public().Key}
		set.keys[k.KeyID] = append(set.keys[k.KeyID], key)
		set.all = append(set.all, key)
	}
	if len(set.all) == 0 {
		return nil, errors.New("no key that could be used")
	}
	return set, nil
}

// find returns the keys that a token of this issuer may mean. One without "kid" may mean any.
func (s *published) find(use KeyUse) (found []Key) {
	if use.Issuer != s.issuer {
		return nil
	}
	list := s.all
	if use.ID != "" {
		list = s.keys[use.ID]
	}
	for _, k := range list {
		if k.fits(use.Algorithm) == nil {
			found = append(found, k)
		}
	}
	return found
}

func (p *Provider) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

func or(d, standard time.Duration) time.Duration {
	if d <= 0 {
		return standard
	}
	return d
}
