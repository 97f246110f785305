//go:build !unix

package local

import "os"

func openList(file, _ string) (*os.File, error) { return os.Open(file) }

func openMbox(name, _, _ string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
}
