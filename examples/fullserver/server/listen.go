package server

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/internal/unixsocket"
	"github.com/buuta/mail/examples/fullserver/mastercf"
)

// service is a listener with what serves it.
type service struct {
	param    string            // that names its address; the key of a service of master.cf
	svc      *mastercf.Service // nil for one that main.cf names
	addr     config.Address
	listener net.Listener
	serve    func(net.Listener) error
}

// listen takes every address that is asked for. Nothing is served yet.
func (s *Server) listen() error {
	for _, l := range s.cfg.Listens() {
		for _, a := range l.Addresses {
			if err := s.take(a, &service{param: l.Param}); err != nil {
				return s.cfg.ErrorFor(l.Param, fmt.Errorf("%s: %w", a, plainError(err)))
			}
		}
	}
	if err := s.listenMaster(); err != nil {
		return err
	}
	if len(s.services) == 0 {
		return errors.New("nothing to serve: set smtp_listen, imap_listen or another of the …_listen parameters, or have a master.cf beside main.cf")
	}
	return nil
}

// take listens at an address for a service.
func (s *Server) take(a config.Address, v *service) error {
	var ln net.Listener
	if s.opts.Socket != nil {
		ln = s.opts.Socket(a.Network, a.Address)
	}
	if ln == nil {
		var err error
		if ln, err = listen(a); err != nil {
			return err
		}
	}
	v.addr, v.listener = a, ln
	s.services = append(s.services, v)
	s.onClose(func() { _ = ln.Close() })
	return nil
}

func (s *Server) bound() error {
	if s.opts.Bound == nil {
		return nil
	}
	return s.opts.Bound()
}

func listen(a config.Address) (net.Listener, error) {
	if a.Network == "unix" {
		return unixsocket.Listen(a.Address, 0o666) // who may reach the folder may connect, as with Postfix's and Dovecot's sockets
	}
	return net.Listen(a.Network, a.Address)
}

// plainError leaves of a network error what went wrong: "address already in use".
func plainError(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// Addrs returns where a service listens, by its parameter's name: what port 0 has become.
func (s *Server) Addrs(param string) []net.Addr {
	var out []net.Addr
	for _, v := range s.services {
		if v.param == param {
			out = append(out, v.listener.Addr())
		}
	}
	return out
}
