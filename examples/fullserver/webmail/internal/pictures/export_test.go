package pictures

// Readers returns for how many readers something is remembered.
func (f *Fetcher) Readers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.readers)
}
