package intake

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// newID makes a queue id for a message that never sees the queue, in the short form of Postfix's: the microseconds of
// its arrival and, where the queue has a file's inode, a random number of 36 bits.
func newID(t time.Time) string {
	return fmt.Sprintf("%05X%09X", t.Nanosecond()/1000, rand.Uint64N(1<<36))
}
