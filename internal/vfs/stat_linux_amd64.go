package vfs

import (
	"strings"
	"syscall"
	"unsafe"
)

// stat is syscall.Stat, which copies the name to the heap; here a name of usual length is copied to the stack.
func stat(name string, st *syscall.Stat_t) error {
	var path [512]byte
	if len(name) >= len(path) || strings.IndexByte(name, 0) >= 0 {
		return syscall.Stat(name, st)
	}
	copy(path[:], name)
	here := -100 // AT_FDCWD of fcntl.h
	_, _, no := syscall.Syscall6(syscall.SYS_NEWFSTATAT, uintptr(here), uintptr(unsafe.Pointer(&path[0])), uintptr(unsafe.Pointer(st)), 0, 0, 0)
	if no != 0 {
		return no
	}
	return nil
}
