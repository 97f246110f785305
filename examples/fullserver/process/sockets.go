package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstSocket is the descriptor where sockets that were handed to a program begin (SD_LISTEN_FDS_START of sd_listen_fds(3)).
const firstSocket = 3

// Sockets are those that whoever started this program opened for it: systemd, with a .socket unit, so that the program needs no right to open ports
// below 1024 and no connection is refused while it restarts. A nil Sockets has none.
type Sockets struct{ free []net.Listener }

// Inherited takes the sockets that were handed to this program by LISTEN_PID and LISTEN_FDS, as sd_listen_fds(3) tells; none is nil. The variables are
// gone afterwards, so that what this program starts doesn't take them for its own.
func Inherited() (*Sockets, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	if pid == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1000 {
		return nil, fmt.Errorf("LISTEN_FDS is %q, not a number of sockets", count)
	}
	s := &Sockets{}
	for i := range n {
		f := os.NewFile(uintptr(firstSocket+i), "socket "+strconv.Itoa(i+1))
		l, err := net.FileListener(f) // a copy, which commands don't inherit
		_ = f.Close()
		if err != nil {
			_ = s.Close()
			return nil, fmt.Errorf("socket %d of those that this program was started with: %w; it must be a stream that listens", i+1, err)
		}
		s.free = append(s.free, l)
	}
	return s, nil
}

// Take returns the socket that was opened for an address, nil when there is none. Each is given once.
func (s *Sockets) Take(network, address string) net.Listener {
	if s == nil {
		return nil
	}
	for i, l := range s.free {
		if same(l.Addr(), network, address) {
			s.free = append(s.free[:i:i], s.free[i+1:]...)
			return l
		}
	}
	return nil
}

// Left are the addresses of the sockets that nobody has taken.
func (s *Sockets) Left() (out []string) {
	if s == nil {
		return nil
	}
	for _, l := range s.free {
		out = append(out, l.Addr().String())
	}
	return out
}

// Close closes the sockets that nobody has taken.
func (s *Sockets) Close() (err error) {
	if s == nil {
		return nil
	}
	for _, l := range s.free {
		err = errors.Join(err, l.Close())
	}
	s.free = nil
	return err
}

// same reports whether a socket listens at an address as main.cf has it, where an empty host is all of the machine.
func same(have net.Addr, network, address string) bool {
	if u, ok := have.(*net.UnixAddr); ok {
		return network == "unix" && u.Name == address
	}
	t, ok := have.(*net.TCPAddr)
	want, err := net.ResolveTCPAddr(network, address)
	if !ok || err != nil || want.Port == 0 || want.Port != t.Port || want.Zone != t.Zone {
		return false
	}
	every := want.IP == nil || want.IP.IsUnspecified()
	if every {
		return t.IP.IsUnspecified() && (network != "tcp6" || t.IP.To4() == nil)
	}
	return want.IP.Equal(t.IP)
}
