package maildir

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// sequence makes names that no other message has.
type sequence struct {
	n     atomic.Uint64
	begun sync.Once
}

// base returns a new file name without sizes and flags, "<secs>.M<usec>P<pid>Q<n>.<host>". Microseconds, process and
// count together are what keeps two deliveries apart, also when a clock goes back; the count begins anywhere, for a process may have
// several Stores on one tree.
func (q *sequence) base(now time.Time, host string) string {
	q.begun.Do(func() { q.n.Store(uint64(rand.Uint32N(1 << 20))) })
	return fmt.Sprintf("%d.M%06dP%dQ%d.%s", now.Unix(), now.Nanosecond()/1000, os.Getpid(), q.n.Add(1), host)
}
