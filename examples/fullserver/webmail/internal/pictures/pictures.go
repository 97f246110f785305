// Package pictures fetches the pictures that a mail wants from web servers elsewhere, in its reader's place: the server that has them learns neither where he is nor with what
// he reads, and he gets nothing but a picture.
package pictures

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/outward"
)

// Limits of a picture: what it may have, and how long it may take.
const (
	MaxSize      = 5 << 20
	within       = 10 * time.Second
	maxRedirects = 3
	maxURL       = 4096
	maxFetches   = 12 // at once, which bounds the memory that they take
	maxEach      = 3  // of them for one reader
)

// Why there is no picture.
var (
	ErrAddress = errors.New("pictures: not an address of a web server, at one of its usual ports")
	ErrKind    = errors.New("pictures: not a picture")
	ErrSize    = errors.New("pictures: larger than the limit")
	ErrAnswer  = errors.New("pictures: the server has no such picture")
)

// Picture is one that was fetched.
type Picture struct {
	Type string // by what it begins with
	Data []byte
}

// Fetcher fetches pictures. It may be used by many goroutines.
type Fetcher struct {
	client *http.Client
	kind   func(first []byte) string // of a picture; "": it is none
	slots  chan struct{}
	cache  cache

	mu      sync.Mutex
	readers map[string]*reader // those who wait for pictures
}

// reader is somebody who waits for pictures: for a few at a time, so that a mail with pictures of slow servers doesn't keep everybody else's back.
type reader struct {
	slots chan struct{}
	waits int // pictures; of Fetcher.mu
}

// New makes a fetcher. transport connects with web servers; nil: with those at public addresses, and no others. kind tells a picture by its first 16 octets.
func New(transport http.RoundTripper, kind func(first []byte) string, now func() time.Time) *Fetcher {
	if transport == nil {
		d := outward.Dialer{Within: within, Ports: []uint16{80, 443}}
		transport = &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	}
	return &Fetcher{kind: kind, slots: make(chan struct{}, maxFetches), readers: map[string]*reader{}, cache: cache{now: now}, client: &http.Client{
		Transport: transport, Timeout: within, // no jar: cookies go neither way
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || !allowed(r.URL) {
				return ErrAddress
			}
			r.Header.Del("Referer")
			return nil
		},
	}}
}

// allowed looks at an address. Whether the machine that it leads to may be reached is seen when it is.
func allowed(u *url.URL) bool {
	switch u.Scheme + ":" + u.Port() {
	case "http:", "http:80", "http:443", "https:", "https:443", "https:80":
		return u.Hostname() != "" && u.User == nil && u.Opaque == ""
	}
	return false
}

// Get fetches a picture for a reader, or has it still.
func (f *Fetcher) Get(ctx context.Context, who, address string) (Picture, error) {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxURL || !allowed(u) {
		return Picture{}, ErrAddress
	}
	u.Fragment, u.RawFragment = "", ""
	if p, ok := f.cache.get(u.String()); ok {
		return p, nil
	}
	r := f.join(who)
	defer f.leave(who, r)
	// The reader's own slot comes first: who waits for that keeps no other.
	for _, slots := range []chan struct{}{r.slots, f.slots} {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return Picture{}, ctx.Err()
		}
	}
	if p, ok := f.cache.get(u.String()); ok { // it has come meanwhile
		return p, nil
	}
	p, err := f.fetch(ctx, u)
	if err == nil {
		f.cache.put(u.String(), p)
	}
	return p, err
}

func (f *Fetcher) join(who string) *reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.readers[who]
	if r == nil {
		r = &reader{slots: make(chan struct{}, maxEach)}
		f.readers[who] = r
	}
	r.waits++
	return r
}

func (f *Fetcher) leave(who string, r *reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.waits--; r.waits == 0 {
		delete(f.readers, who)
	}
}

func (f *Fetcher) fetch(ctx context.Context, u *url.URL) (Picture, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", u.String(), nil)
	if err != nil {
		return Picture{}, ErrAddress
	}
	r.Header.Set("Accept", "image/webp,image/png,image/jpeg,image/gif")
	r.Header.Set("User-Agent", "buuta")
	resp, err := f.client.Do(r)
	if err != nil {
		return Picture{}, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusOK:
		return Picture{}, fmt.Errorf("%w: %d", ErrAnswer, resp.StatusCode)
	case resp.ContentLength > MaxSize:
		return Picture{}, ErrSize
	}
	first := make([]byte, 16)
	n, err := io.ReadFull(resp.Body, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Picture{}, ErrKind
	}
	p := Picture{Type: f.kind(first[:n])}
	if p.Type == "" {
		return Picture{}, ErrKind
	}
	rest, err := io.ReadAll(io.LimitReader(resp.Body, MaxSize-int64(n)+1))
	if err != nil {
		return Picture{}, err
	}
	if p.Data = append(first[:n], rest...); len(p.Data) > MaxSize {
		return Picture{}, ErrSize
	}
	return p, nil
}
