//go:build !unix

package queue

import "io/fs"

func sysInode(fs.FileInfo) (uint64, bool) { return 0, false }
