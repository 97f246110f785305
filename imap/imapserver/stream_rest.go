package imapserver

import (
	"net"
	"syscall"
)

// layered reports whether there is TLS or compression, which may hold what has been read from the connection and not from them.
func (s *stream) layered() bool { return s.nc != s.raw || s.packed != nil || s.ending != nil }

// rest returns when a Read may find something, when the deadline is over, and when there was a wake-up. Read does the same, but with
// ten calls on the stack, for which the smallest is too small. Of connections that are wrapped in anything nothing can be known without
// reading: there it returns at once.
func (s *stream) rest() {
	var raw syscall.RawConn
	var err error
	switch nc := s.raw.(type) {
	case *net.TCPConn:
		raw, err = nc.SyscallConn()
	case *net.UnixConn:
		raw, err = nc.SyscallConn()
	default:
		return
	}
	// The deadline is armed before woken is looked at, and wake works in the other order, so that none is lost.
	if err == nil && !s.woken.Load() {
		_ = raw.Read(readable)
	}
}
