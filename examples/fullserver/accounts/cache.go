package accounts

import (
	"container/list"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"sync"
	"time"
)

// CacheOptions are Dovecot's auth_cache_size, auth_cache_ttl and auth_cache_negative_ttl.
type CacheOptions struct {
	Size        int64         // octets; 0: nothing is remembered
	TTL         time.Duration // for users that there are
	NegativeTTL time.Duration // for those that there aren't, and for wrong passwords; 0: not at all
}

// cache remembers what sources have said. After its time an entry counts only while its source fails. The one used longest ago gives way.
type cache struct {
	o CacheOptions

	mu    sync.Mutex
	nodes map[string]*list.Element
	order list.List // the one used last is first
	size  int64
}

type node struct {
	key     string
	made    time.Time
	rec     *record // of a login
	who     *User   // of a user
	good    bool    // the last login by it succeeded
	checked []byte  // of a password that a directory has said yes to
}

// nodeSize is about what a node takes beside its key.
const nodeSize = 700

func newCache(o CacheOptions) *cache { return &cache{o: o, nodes: map[string]*list.Element{}} }

func (c *cache) find(key string) *node {
	if e := c.nodes[key]; e != nil {
		c.order.MoveToFront(e)
		return e.Value.(*node)
	}
	return nil
}

func (c *cache) put(n *node) {
	c.remove(n.key)
	c.nodes[n.key] = c.order.PushFront(n)
	c.size += int64(len(n.key)) + nodeSize
	for c.size > c.o.Size && c.order.Len() > 0 {
		c.remove(c.order.Back().Value.(*node).key)
	}
}

func (c *cache) remove(key string) {
	if e := c.nodes[key]; e != nil {
		c.order.Remove(e)
		delete(c.nodes, key)
		c.size -= int64(len(key)) + nodeSize
	}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes, c.size = map[string]*list.Element{}, 0
	c.order.Init()
}

// fresh reports whether a node still counts.
func (c *cache) fresh(n *node) bool {
	ttl := c.o.TTL
	if n.rec == nil && n.who == nil {
		ttl = c.o.NegativeTTL
	}
	return time.Since(n.made) < ttl
}

// user returns what is known of a user, nil being that there is none.
func (c *cache) user(name string) (*User, bool) {
	if c.o.Size == 0 {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.find("user\x00" + name)
	if n == nil || !c.fresh(n) {
		return nil, false
	}
	return n.who, true
}

// staleUser is user without regard to time.
func (c *cache) staleUser(name string) (*User, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.find("user\x00" + name)
	return whoOf(n), n != nil
}

func whoOf(n *node) *User {
	if n == nil {
		return nil
	}
	return n.who
}

func (c *cache) putUser(name string, u *User) {
	if c.o.Size == 0 || u == nil && c.o.NegativeTTL == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(&node{key: "user\x00" + name, made: time.Now(), who: u})
}

// cachedLogin is what the cache has for one login at one source.
type cachedLogin struct {
	c    *cache
	seed []byte
	key  string // "": nothing may be remembered
	hit  bool   // what was returned came from the cache
}

// cached finds the place of a login in the cache: by all that the source's query depends on.
func (a *Accounts) cached(s source, r *request) *cachedLogin {
	l := &cachedLogin{c: a.cache, seed: a.seed}
	letters := s.variables()
	if a.cache.o.Size == 0 || strings.Contains(letters, "w") {
		return l
	}
	var b strings.Builder
	b.WriteString("login\x00" + s.name())
	for _, v := range "ud" + letters {
		b.WriteByte(0)
		b.WriteString(r.value(byte(v)))
	}
	l.key = b.String()
	return l
}

// get returns what counts now.
func (l *cachedLogin) get() (*record, bool) {
	if l.key == "" {
		return nil, false
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	n := l.c.find(l.key)
	if n == nil || !l.c.fresh(n) {
		return nil, false
	}
	l.hit = true
	return l.record(n), true
}

// stale returns what has counted once.
func (l *cachedLogin) stale() (*record, bool) {
	if l.key == "" {
		return nil, false
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	n := l.c.find(l.key)
	if n == nil {
		return nil, false
	}
	return l.record(n), true
}

// record is a node's record. One whose password only a directory can check is checked by what the directory has said yes to.
func (l *cachedLogin) record(n *node) *record {
	if n.rec == nil || n.rec.bind == nil || n.checked == nil {
		return n.rec
	}
	r := *n.rec
	checked := n.checked
	r.bind = func(_ context.Context, password string) (bool, error) {
		return hmac.Equal(checked, l.sum(password)), nil
	}
	return &r
}

func (l *cachedLogin) sum(password string) []byte {
	m := hmac.New(sha256.New, l.seed)
	m.Write([]byte(l.key + "\x00" + password))
	return m.Sum(nil)
}

// again reports whether a wrong password is worth asking the source for: the last one was right, or it was long ago.
func (l *cachedLogin) again() bool {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	n := l.c.find(l.key)
	if n == nil {
		return true
	}
	again := n.good || time.Since(n.made) >= l.c.o.NegativeTTL
	n.good = false
	return again
}

func (l *cachedLogin) put(rec *record) {
	l.hit = false
	if l.key == "" || rec == nil && l.c.o.NegativeTTL == 0 {
		return
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.put(&node{key: l.key, made: time.Now(), rec: rec})
}

// settle remembers how the login ended. What only a directory can check is remembered when it was right.
func (l *cachedLogin) settle(good bool, password string) {
	if l.key == "" {
		return
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	n := l.c.find(l.key)
	if n == nil || n.rec == nil {
		return
	}
	n.good = good
	if n.rec.bind == nil {
		return
	}
	switch {
	case good:
		n.checked = l.sum(password)
	case n.checked == nil:
		l.c.remove(l.key)
	}
}
