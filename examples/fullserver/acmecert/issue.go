package acmecert

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
	"golang.org/x/crypto/acme"
)

// issuer asks the authority.
type issuer struct {
	m      *Manager
	client *http.Client
}

func transport(roots *x509.CertPool) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.DisableKeepAlives = true // it is asked once in weeks
	return t
}

// issue gets a certificate for a name (RFC 8555 section 7.4) with a new key, and returns both, the key first.
func (i *issuer) issue(ctx context.Context, name string) ([]byte, error) {
	c, err := i.account(ctx)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	order, err := c.AuthorizeOrder(ctx, acme.DomainIDs(name))
	if err != nil {
		return nil, err
	}
	for _, url := range order.AuthzURLs {
		if err := i.authorize(ctx, c, url); err != nil {
			return nil, err
		}
	}
	url := order.URI // RFC 8555 section 7.4 gives it with the new order alone
	if order, err = c.WaitOrder(ctx, url); err != nil {
		return nil, err
	}
	order.URI = url
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
	if err != nil {
		return nil, err
	}
	chain, _, err := c.CreateCertFromOrder(ctx, order, csr, true)
	if err != nil {
		return nil, err
	}
	return encode(key, chain)
}

// encode writes a key and the chain of certificates for it.
func encode(key crypto.Signer, chain [][]byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, c := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return out, nil
}

// account logs in to the authority, with an account that is made the first time (RFC 8555 section 7.3).
func (i *issuer) account(ctx context.Context) (*acme.Client, error) {
	key, err := i.accountKey()
	if err != nil {
		return nil, err
	}
	c := &acme.Client{Key: key, HTTPClient: i.client, DirectoryURL: i.m.o.Directory, UserAgent: "buuta-fullserver", RetryBackoff: backoff}
	a := &acme.Account{}
	for _, address := range i.m.o.Contact {
		a.Contact = append(a.Contact, "mailto:"+address)
	}
	if i.m.o.KeyID != "" {
		a.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: i.m.o.KeyID, Key: i.m.o.MACKey}
	}
	_, err = c.Register(ctx, a, acme.AcceptTOS)
	if errors.Is(err, acme.ErrAccountAlreadyExists) {
		err = nil
	}
	return c, err
}

// backoff has a request tried again a few times, a second apart, then two, and so on. Being told to come later is an answer.
func backoff(n int, _ *http.Request, resp *http.Response) time.Duration {
	if n > 5 || resp != nil && resp.StatusCode == http.StatusTooManyRequests {
		return -1
	}
	return time.Duration(n) * time.Second
}

// accountKey reads the account's key, or makes it: it is synced before the authority hears of it.
func (i *issuer) accountKey() (crypto.Signer, error) {
	file := filepath.Join(i.m.dir, "account.key")
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		b, err := encode(key, nil)
		if err != nil {
			return nil, err
		}
		return key, secretfile.Write(file, b)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New(file + ": is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	k, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New(file + ": is no key to sign with")
	}
	return k, nil
}

// authorize proves one name (RFC 8555 section 7.5).
func (i *issuer) authorize(ctx context.Context, c *acme.Client, url string) error {
	z, err := c.GetAuthorization(ctx, url)
	if err != nil {
		return err
	}
	if z.Status == acme.StatusValid {
		return nil
	}
	var chosen *acme.Challenge
	for _, kind := range i.m.o.Challenges {
		if at := slices.IndexFunc(z.Challenges, func(c *acme.Challenge) bool { return c.Type == kind }); at >= 0 {
			chosen = z.Challenges[at]
			break
		}
	}
	if chosen == nil {
		return fmt.Errorf("the authority offers none of %s as proof", strings.Join(i.m.o.Challenges, ", "))
	}
	undo, err := i.prepare(c, chosen, z.Identifier.Value)
	if err != nil {
		return err
	}
	defer undo()
	if _, err := c.Accept(ctx, chosen); err != nil {
		return err
	}
	_, err = c.WaitAuthorization(ctx, url)
	return err
}

// prepare puts the answer to a challenge where [Manager.ServeHTTP] and [Manager.Config] find it, in whatever process they are.
func (i *issuer) prepare(c *acme.Client, ch *acme.Challenge, name string) (undo func(), err error) {
	var file string
	var content []byte
	switch ch.Type {
	case "http-01":
		if !validToken(ch.Token) {
			return nil, errors.New("the authority's token is no base64url")
		}
		text, err := c.HTTP01ChallengeResponse(ch.Token)
		if err != nil {
			return nil, err
		}
		file, content = filepath.Join(i.m.dir, "http-01", ch.Token), []byte(text)
	case "tls-alpn-01":
		if !validName(name) {
			return nil, fmt.Errorf("the authority asks about %q", name)
		}
		cert, err := c.TLSALPN01ChallengeCert(ch.Token, name)
		if err != nil {
			return nil, err
		}
		key, ok := cert.PrivateKey.(crypto.Signer)
		if !ok {
			return nil, errors.New("no key to sign with")
		}
		if content, err = encode(key, cert.Certificate); err != nil {
			return nil, err
		}
		file = filepath.Join(i.m.dir, "tls-alpn-01", name)
	default:
		return nil, fmt.Errorf("there is no answer to %s here", ch.Type)
	}
	if err := secretfile.Write(file, content); err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(file) }, nil
}

// validToken takes what a token may be (RFC 8555 section 8.1: base64url).
func validToken(s string) bool {
	return s != "" && len(s) <= 255 && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

// explain says what the authority has against a name in its own words, without what is around them.
func explain(err error) string {
	var parts []string
	add := func(err error) {
		if e, ok := errors.AsType[*acme.Error](err); ok {
			text := strings.TrimPrefix(e.ProblemType, "urn:ietf:params:acme:error:") + ": " + e.Detail
			for _, s := range e.Subproblems {
				text += "; " + s.Detail
			}
			parts = append(parts, text)
			return
		}
		parts = append(parts, err.Error())
	}
	if e, ok := errors.AsType[*acme.AuthorizationError](err); ok {
		for _, one := range e.Errors {
			add(one)
		}
		return "the authority can't find the proof: " + strings.Join(parts, "; ")
	}
	if e, ok := errors.AsType[*acme.OrderError](err); ok && e.Problem != nil {
		add(e.Problem)
		return strings.Join(parts, "; ")
	}
	add(err)
	return strings.Join(parts, "; ")
}

// retryAfter is how long the authority wants to be left alone.
func retryAfter(err error) time.Duration {
	d, _ := acme.RateLimit(err)
	return d
}
