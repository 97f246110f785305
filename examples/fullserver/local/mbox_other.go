//go:build !unix

package local

import "os"

func openMbox(name, _ string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
}
