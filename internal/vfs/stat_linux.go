//go:build linux && !amd64

package vfs

import "syscall"

func stat(name string, st *syscall.Stat_t) error { return syscall.Stat(name, st) }
