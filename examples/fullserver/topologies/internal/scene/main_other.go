//go:build !linux

package scene

import (
	"errors"
	"os"
	"testing"
)

// Main runs a package's tests; those that begin with New are skipped.
func Main(m *testing.M) {
	lacking = "networks of their own are Linux'"
	os.Exit(m.Run())
}

func ip(...string) error { return errors.ErrUnsupported }

func disk(string, string) (func(), error) { return nil, errors.ErrUnsupported }
