package throttle

// Len returns how many names and addresses are remembered.
func (t *Throttle) Len() int { return len(t.entries) }
