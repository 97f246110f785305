package pictures

import (
	"container/list"
	"sync"
	"time"
)

// What is kept: so many octets, of pictures up to a size, for so long.
const (
	maxCache  = 8 << 20
	maxCached = 512 << 10
	maxAge    = time.Hour
)

// cache keeps the pictures that were asked for last, by their addresses.
type cache struct {
	now   func() time.Time
	mu    sync.Mutex
	byURL map[string]*list.Element
	order list.List // the first was asked for last
	size  int
}

type cached struct {
	url     string
	picture Picture
	until   time.Time
}

func (c *cache) get(url string) (Picture, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byURL[url]
	if e == nil {
		return Picture{}, false
	}
	k := e.Value.(*cached)
	if !c.now().Before(k.until) {
		c.drop(e)
		return Picture{}, false
	}
	c.order.MoveToFront(e)
	return k.picture, true
}

func (c *cache) put(url string, p Picture) {
	if len(p.Data) > maxCached {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byURL[url]; e != nil {
		c.drop(e)
	}
	if c.byURL == nil {
		c.byURL = map[string]*list.Element{}
	}
	c.byURL[url] = c.order.PushFront(&cached{url, p, c.now().Add(maxAge)})
	for c.size += cost(url, p); c.size > maxCache; {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(e *list.Element) {
	k := c.order.Remove(e).(*cached)
	delete(c.byURL, k.url)
	c.size -= cost(k.url, k.picture)
}

// cost is what a picture takes, with what it is kept in.
func cost(url string, p Picture) int { return len(p.Data) + 2*len(url) + 300 }
