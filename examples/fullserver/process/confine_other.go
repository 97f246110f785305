//go:build !linux

package process

import "errors"

// Confine can't do anything here: Landlock is Linux's.
func Confine(Paths) (string, error) {
	return "", errors.New("Landlock is there on Linux only")
}
