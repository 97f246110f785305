package maildir

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// sequence makes names that no other message has.
type sequence struct{ n atomic.Uint64 }

// base returns a new file name without sizes and flags, "<secs>.M<usec>P<pid>Q<n>.<host>". Microseconds, process and
// count together are what keeps two deliveries apart, also when a clock goes back.
func (q *sequence) base(now time.Time, host string) string {
	return fmt.Sprintf("%d.M%06dP%dQ%d.%s", now.Unix(), now.Nanosecond()/1000, os.Getpid(), q.n.Add(1), host)
}
