package aging_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/internal/aging"
)

// What was used since half of max others came is known, and there are never more than max.
func TestForgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		max := rapid.IntRange(1, 9).Draw(t, "max")
		var m aging.Map[int, int]
		var recent []int // the last (max+1)/2 different keys used
		use := func(k int) {
			for i, r := range recent {
				if r == k {
					recent = append(recent[:i], recent[i+1:]...)
					break
				}
			}
			if recent = append(recent, k); len(recent) > (max+1)/2 {
				recent = recent[1:]
			}
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			k := rapid.IntRange(0, 20).Draw(t, "key")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				v := m.Take(k)
				require.True(t, v == nil || *v == k)
				require.Nil(t, m.Get(k))
				for i, r := range recent {
					if r == k {
						recent = append(recent[:i:i], recent[i+1:]...)
						break
					}
				}
			case 1:
				v := k
				m.Put(k, &v, max)
				use(k)
			default:
				*m.Add(k, max) = k
				use(k)
			}
			for _, r := range recent {
				require.NotNil(t, m.Get(r), "%d was used lately", r)
			}
			require.LessOrEqual(t, m.Len(), 2*((max+1)/2))
		}
		m.Age()
		m.Age()
		require.Zero(t, m.Len())
	})
}
