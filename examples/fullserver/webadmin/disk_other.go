//go:build !(linux || darwin || freebsd)

package webadmin

// diskOf knows nothing here.
func diskOf(string) (free, size int64, ok bool) { return 0, 0, false }
