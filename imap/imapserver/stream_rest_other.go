//go:build !unix

package imapserver

// readable can't tell whether a read of a socket would wait, and leaves that to the read.
func readable(uintptr) bool { return true }
