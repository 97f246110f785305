package postscreen

import (
	"net/netip"
	"time"

	"github.com/buuta/mail/internal/ledger"
)

// test is one of the tests whose results are remembered.
type test int

const (
	testGreet test = iota
	testDNSBL
	testPipelining
	testNonSMTP
	testBareNewline
	numTests
)

// results are until when a client counts as one that passed each test, in seconds since 1970: 0 for never tested, 1 for a test that was off.
type results [numTests]uint32

const off = 1

// Cache remembers which clients passed which tests. It may be used by many Screens at once.
type Cache struct {
	t         *ledger.Table
	retention time.Duration
}

// CacheOptions are what a Cache may be told. The zero value is good.
type CacheOptions struct {
	Max       int           // clients; 0: 100,000 (some 10 MiB)
	Retention time.Duration // how long one is remembered whose results have run out, postscreen_cache_retention_time; 0: 7 days
	Warn      func(error)   // hears when the file can't be written; nil: nobody
}

// OpenCache opens a cache with its file, which is made where it is missing and no other process may have; "" keeps it in memory. Changes are
// in the file a second later, and durable then.
func OpenCache(file string, o CacheOptions) (*Cache, error) {
	t, err := ledger.Open(file, ledger.Options{Max: o.Max, Warn: o.Warn})
	if err != nil {
		return nil, err
	}
	return &Cache{t, or(o.Retention, 7*24*time.Hour)}, nil
}

// Len is how many clients are remembered.
func (c *Cache) Len() int { return c.t.Len() }

// Close makes the cache durable and gives the file back.
func (c *Cache) Close() error { return c.t.Close() }

func (c *Cache) get(a netip.Addr) (results, bool) {
	if c == nil {
		return results{}, false
	}
	v, ok := c.t.Get(a.As16())
	return results(v), ok
}

func (c *Cache) put(a netip.Addr, r results) {
	if c == nil {
		return
	}
	last := r[0]
	for _, at := range r {
		last = max(last, at)
	}
	c.t.Put(a.As16(), ledger.Value(r), time.Unix(int64(last), 0).Add(c.retention))
}
