package main

import (
	"os"
	"syscall"
)

// dataSync syncs what was written, and not the file's times.
func dataSync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
