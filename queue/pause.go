package queue

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

var errPaused = mail.NewReply(451, mail.EnhancedCode{4, 3, 2}, "delivery to this domain is paused")

// PauseStorage is a [Storage] that remembers pauses. With another one they end with the Queue. [Spool] is one; a storage that
// several machines share is asked at the start only.
type PauseStorage interface {
	Paused(ctx context.Context) (domains []string, err error)
	SetPaused(ctx context.Context, domains []string) error // all of them, durably
}

// Pause stops attempts for recipients in a domain until [Queue.Resume], across restarts if the storage is a [PauseStorage]. Mail
// is accepted and waits; its lifetime goes on. A delivery under way ends as it will. With an error the domain is paused
// until the end of the Queue at least.
func (q *Queue) Pause(ctx context.Context, domain string) error {
	domain = strings.ToLower(domain)
	if domain == "" || len(domain) > 255 || q.badAddress(domain) || strings.Contains(domain, " ") {
		return errors.New("queue: bad domain to pause")
	}
	if err := q.open(); err != nil {
		return err
	}
	q.pausing.Lock()
	defer q.pausing.Unlock()
	q.mu.Lock()
	q.paused[domain] = true
	q.mu.Unlock()
	return q.savePauses(ctx)
}

// Resume ends a pause and makes what waits for the domain due now. It returns to how many messages. With an error of the
// storage the domain may be paused again after a restart.
func (q *Queue) Resume(ctx context.Context, domain string) (int, error) {
	if err := q.open(); err != nil {
		return 0, err
	}
	q.pausing.Lock()
	q.mu.Lock()
	delete(q.paused, strings.ToLower(domain))
	q.mu.Unlock()
	err := q.savePauses(ctx)
	q.pausing.Unlock()
	n, ferr := q.Flush(ctx, Filter{Destination: domain})
	return n, errors.Join(err, ferr)
}

// Paused returns the domains that are paused, sorted. Before the Queue is open there are none.
func (q *Queue) Paused() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Sorted(maps.Keys(q.paused))
}

// savePauses writes down what is paused. The lock of pauses is held.
func (q *Queue) savePauses(ctx context.Context) error {
	if s, ok := q.storage.(PauseStorage); ok {
		return s.SetPaused(ctx, q.Paused())
	}
	return nil
}

// loadPauses learns what is paused. The lock is held.
func (q *Queue) loadPauses() error {
	q.paused = map[string]bool{}
	s, ok := q.storage.(PauseStorage)
	if !ok {
		return nil
	}
	domains, err := s.Paused(context.Background())
	for _, d := range domains {
		q.paused[strings.ToLower(d)] = true
	}
	return err
}

func (q *Queue) isPaused(address string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.paused) > 0 && q.paused[strings.ToLower(domainOf(address))]
}
