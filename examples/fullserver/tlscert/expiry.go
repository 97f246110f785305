package tlscert

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// Watch says when certificates are about to expire: 30, 7 and one day before, where that is the last third of their lives, and each day once they have. The zero value is ready to use, by one
// goroutine.
type Watch struct {
	told map[[32]byte]time.Time // by certificate: which of its times has been told
}

const day = 24 * time.Hour

// Due returns a line for each certificate of which there is something to say that has not been said.
func (w *Watch) Due(now time.Time, list []Shown) []string {
	var out []string
	told := map[[32]byte]time.Time{}
	for _, s := range list {
		end := s.Leaf.NotAfter
		var at time.Time // the last of its times that has come
		for _, d := range []time.Duration{30 * day, 7 * day, day} {
			if t := end.Add(-d); !now.Before(t) && d <= end.Sub(s.Leaf.NotBefore)/3 { // it is renewed in its last third
				at = t
			}
		}
		if now.After(end) {
			at = end.Add(now.Sub(end).Truncate(day))
		}
		if at.IsZero() {
			continue
		}
		id := sha256.Sum256(s.Leaf.Raw)
		if _, twice := told[id]; twice {
			continue
		}
		told[id] = at
		if !w.told[id].Equal(at) {
			out = append(out, Expiry(s, now))
		}
	}
	w.told = told
	return out
}

// Expiry says when a certificate expires or has expired.
func Expiry(s Shown, now time.Time) string {
	from := s.From
	if from == "" {
		from = "the certificate"
	}
	if names := Names(s.Leaf); len(names) > 0 {
		from += " (" + strings.Join(names[:min(len(names), 5)], ", ") + ")"
	}
	date := s.Leaf.NotAfter.UTC().Format("2006-01-02 15:04 UTC")
	left := s.Leaf.NotAfter.Sub(now)
	switch days := int(left / day); {
	case left < 0:
		return fmt.Sprintf("%s has expired on %s: renew it", from, date)
	case days == 0:
		return fmt.Sprintf("%s expires today, on %s: renew it", from, date)
	case days == 1:
		return fmt.Sprintf("%s expires in a day, on %s: renew it", from, date)
	default:
		return fmt.Sprintf("%s expires in %d days, on %s: renew it", from, days, date)
	}
}
