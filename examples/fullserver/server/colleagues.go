package server

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/webmail"
)

// colleaguesLast is how long a list of colleagues is good: databases and directories are not asked for it at every key that somebody presses.
const colleaguesLast = 5 * time.Minute

// colleagues are the users of webmail_colleagues, each domain's for its own.
type colleagues struct {
	users   accounts.Users
	domains []string
	now     func() time.Time

	mu    sync.Mutex
	known map[string]colleagueList
}

type colleagueList struct {
	list  []webmail.Colleague
	until time.Time
}

// newColleagues returns nil where nobody has colleagues.
func newColleagues(users accounts.Users, domains []string, now func() time.Time) webmail.Directory {
	if len(domains) == 0 {
		return nil
	}
	if now == nil {
		now = time.Now
	}
	c := &colleagues{users: users, now: now, known: map[string]colleagueList{}}
	for _, d := range domains {
		c.domains = append(c.domains, strings.ToLower(d))
	}
	return c
}

// Colleagues implements webmail.Directory.
func (c *colleagues) Colleagues(ctx context.Context, user string) ([]webmail.Colleague, error) {
	account, ok, err := c.users.Find(ctx, user)
	if err != nil || !ok {
		return nil, err
	}
	domain := account[strings.LastIndexByte(account, '@')+1:]
	if !slices.Contains(c.domains, domain) {
		return nil, nil
	}
	c.mu.Lock()
	known := c.known[domain]
	c.mu.Unlock()
	if c.now().Before(known.until) {
		return known.list, nil
	}
	names, err := c.users.InDomain(ctx, domain)
	if err != nil {
		return known.list, err // better those of before than none
	}
	named, _ := c.users.(interface{ FullName(account string) string })
	list := make([]webmail.Colleague, len(names))
	for i, n := range names {
		list[i].Email = n
		if named != nil {
			list[i].Name = named.FullName(n)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[domain] = colleagueList{list, c.now().Add(colleaguesLast)}
	return list, nil
}
