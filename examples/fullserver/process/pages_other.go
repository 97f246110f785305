//go:build !linux

package process

import "errors"

// Unmap takes the pages of the program's own file out of this process's memory: elsewhere.
func Unmap() error { return errors.ErrUnsupported }
