package queue

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

var errPaused = mail.NewReply(451, mail.EnhancedCode{4, 3, 2}, "delivery to this domain is paused")

// Pause stops attempts for recipients in a domain, until [Queue.Resume] or the end of the Queue: a program that wants a
// pause to outlast it says so again when it starts. Mail is accepted and waits; its lifetime goes on. A delivery under
// way ends as it will.
func (q *Queue) Pause(domain string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.paused == nil {
		q.paused = map[string]bool{}
	}
	q.paused[strings.ToLower(domain)] = true
}

// Resume ends a pause and makes what waits for the domain due now. It returns to how many messages.
func (q *Queue) Resume(ctx context.Context, domain string) (int, error) {
	q.mu.Lock()
	delete(q.paused, strings.ToLower(domain))
	q.mu.Unlock()
	return q.Flush(ctx, Filter{Destination: domain})
}

// Paused returns the domains that are paused, sorted.
func (q *Queue) Paused() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Sorted(maps.Keys(q.paused))
}

func (q *Queue) isPaused(address string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.paused) > 0 && q.paused[strings.ToLower(domainOf(address))]
}
