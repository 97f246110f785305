//go:build !linux && !darwin

package idle

import "testing"

// openFiles does nothing: memory is measured by /proc, which is elsewhere.
func openFiles(*testing.T, int) {}
