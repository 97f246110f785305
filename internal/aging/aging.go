// Package aging is a table that forgets: for what is known of clients, of which there can be any number.
package aging

// Map forgets what was not used for long: when its young half is full it becomes the old one, and what was old is gone. The zero value is
// empty and ready. It takes no locks.
type Map[K comparable, V any] struct{ young, old map[K]*V }

// Get returns what is known of k, nil when that is nothing.
func (m *Map[K, V]) Get(k K) *V {
	if v := m.young[k]; v != nil {
		return v
	}
	return m.old[k]
}

// Add returns what is known of k, as one that was used now, and makes it where there is nothing; max is how many are kept.
func (m *Map[K, V]) Add(k K, max int) *V {
	v := m.young[k]
	if v != nil {
		return v
	}
	if v = m.old[k]; v == nil {
		v = new(V)
	}
	m.Put(k, v, max)
	return v
}

// Put says what is known of k, as one that was used now; max is how many are kept.
func (m *Map[K, V]) Put(k K, v *V, max int) {
	if len(m.young) >= (max+1)/2 && m.young[k] == nil {
		m.Age()
	}
	if m.young == nil {
		m.young = map[K]*V{}
	}
	m.young[k] = v
}

// Take returns what is known of k and forgets it.
func (m *Map[K, V]) Take(k K) *V {
	v := m.Get(k)
	if v != nil {
		delete(m.young, k)
		delete(m.old, k)
	}
	return v
}

// Age forgets what was not used since it was called last.
func (m *Map[K, V]) Age() { m.young, m.old = nil, m.young }

// Len is how many are known; one that is in both halves counts twice.
func (m *Map[K, V]) Len() int { return len(m.young) + len(m.old) }
