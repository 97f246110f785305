//go:build !linux

package vfs

import "time"

var osStamp func(name string) (time.Time, int64, error)
