package server

import (
	"context"
	"errors"
	"net"
	"reflect"
	"slices"
	"sync"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/mastercf"
	"github.com/buuta/mail/smtp"
)

// renewed is the server of a door, which main.cf's being read again replaces by one with other parameters. That one has the connections from then on; those
// that there are stay with the server that they came to, as a smtpd of Postfix's keeps its parameters as long as it has a client.
type renewed struct {
	mu     sync.Mutex
	d      *door           // that the server now is of
	read   config.Settings // which it has its parameters from
	now    *generation
	all    []*generation // that there may be connections with
	gates  map[*gate]bool
	open   map[*passage]bool
	closed bool
}

// generation is a server from one reading of main.cf to the next.
type generation struct {
	srv   *smtp.Server
	conns int      // guarded by renewed's lock
	ends  []func() // what undoes its making, when it is no longer needed
}

// renewable makes a door's first server one that can be replaced.
func (s *Server) renewable(d *door, srv *smtp.Server) *renewed {
	r := &renewed{d: d, read: *d.set, gates: map[*gate]bool{}, open: map[*passage]bool{}}
	r.take(&generation{srv: srv})
	s.renewed = append(s.renewed, r)
	s.servers = append(s.servers, r)
	s.onClose(r.end)
	return r
}

// take makes a generation the one that counts.
func (r *renewed) take(g *generation) {
	g.srv.ConnState = func(_ *smtp.Conn, st smtp.ConnState) {
		if st == smtp.StateClosed {
			r.left(g)
		}
	}
	r.mu.Lock()
	was := r.now
	r.now, r.all = g, append(r.all, g)
	for p := range r.open {
		close(p.passed)
	}
	clear(r.open)
	r.mu.Unlock()
	if was != nil {
		r.forget(was)
	}
}

func (r *renewed) left(g *generation) {
	r.mu.Lock()
	g.conns--
	r.mu.Unlock()
	r.forget(g)
}

// forget ends a generation that isn't needed any more.
func (r *renewed) forget(g *generation) {
	r.mu.Lock()
	over := g != r.now && g.conns == 0 && !r.closed
	if over {
		r.all = slices.DeleteFunc(r.all, func(x *generation) bool { return x == g })
	}
	var ends []func()
	if over {
		ends, g.ends = g.ends, nil
	}
	r.mu.Unlock()
	undo(ends)
}

// undo calls what undoes steps, the last first.
func undo(ends []func()) {
	for _, f := range slices.Backward(ends) {
		f()
	}
}

// Serve serves a listener by the server that counts, and ServeTLS does so with TLS from the start.
func (r *renewed) Serve(l net.Listener) error { return r.serve(l, (*smtp.Server).Serve) }

// ServeTLS is Serve with TLS from the start.
func (r *renewed) ServeTLS(l net.Listener) error { return r.serve(l, (*smtp.Server).ServeTLS) }

func (r *renewed) serve(l net.Listener, serve func(*smtp.Server, net.Listener) error) error {
	g := newGate(l)
	defer func() {
		r.mu.Lock()
		delete(r.gates, g)
		r.mu.Unlock()
		_ = g.Close()
	}()
	for {
		r.mu.Lock()
		if r.closed {
			r.mu.Unlock()
			return smtp.ErrServerClosed
		}
		gen := r.now
		p := g.passage(func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			gen.conns++
		})
		r.gates[g], r.open[p] = true, true
		r.mu.Unlock()
		err := serve(gen.srv, p)
		r.mu.Lock()
		delete(r.open, p)
		r.mu.Unlock()
		if !errors.Is(err, errPassedOn) {
			return err
		}
	}
}

// generations closes the listeners and returns the servers that there are.
func (r *renewed) generations() []*generation {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for g := range r.gates {
		_ = g.Close()
	}
	return slices.Clone(r.all)
}

// Shutdown implements stopper.
func (r *renewed) Shutdown(ctx context.Context) error {
	list := r.generations()
	errs := make([]error, len(list))
	var all sync.WaitGroup
	for i, g := range list {
		all.Go(func() { errs[i] = g.srv.Shutdown(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Close implements stopper.
func (r *renewed) Close() error {
	for _, g := range r.generations() {
		_ = g.srv.Close()
	}
	return nil
}

// end undoes what is left.
func (r *renewed) end() {
	for _, g := range r.generations() {
		undo(g.ends)
	}
}

// renew gives each door whose parameters have changed a server with the new ones: all of them or, with an error, none.
func (s *Server) renew(c *config.Config) error {
	type change struct {
		r *renewed
		d *door
		c *config.Config
		g *generation
	}
	var changes []change
	for _, r := range s.renewed {
		own, err := s.anew(c, r.d.svc)
		if err != nil {
			return err
		}
		if own == nil || reflect.DeepEqual(own.Settings, r.read) {
			continue
		}
		mark := len(s.closers)
		d, srv, err := s.doorAnew(r.d, own)
		g := &generation{srv: srv, ends: slices.Clone(s.closers[mark:])}
		s.closers = s.closers[:mark]
		if err != nil {
			undo(g.ends)
			for _, x := range changes {
				undo(x.g.ends)
			}
			return err
		}
		changes = append(changes, change{r, d, own, g})
	}
	for _, x := range changes {
		x.r.d, x.r.read = x.d, x.c.Settings
		x.r.take(x.g)
	}
	return s.renewScreens(c)
}

// anew are the parameters that a service has now, main.cf's for none; nil if it is no longer there.
func (s *Server) anew(c *config.Config, svc *mastercf.Service) (*config.Config, error) {
	if svc == nil {
		return c, nil
	}
	i := slices.IndexFunc(c.Services(), func(v *mastercf.Service) bool { return v.Key() == svc.Key() })
	if i < 0 {
		return nil, nil
	}
	return c.For(c.Services()[i])
}

// doorAnew is a door with other parameters. Its policy, its certificates and where it listens stay.
func (s *Server) doorAnew(was *door, c *config.Config) (*door, *smtp.Server, error) {
	d, set := *was, c.Settings
	if d.set = &set; d.svc == nil {
		set.Filters.Overrides = was.set.Filters.Overrides // for which it would need a policy of its own
	}
	var err error
	if d.filters, err = s.milters(d.set); err != nil {
		return nil, nil, c.ErrorFor("smtpd_milters", err)
	}
	if d.proxy, err = s.proxyFilter(&d); err != nil {
		return nil, nil, c.ErrorFor("smtpd_proxy_filter", err)
	}
	if d.pool, err = s.poolOf(c); err != nil {
		return nil, nil, err
	}
	srv := s.smtpServer(&d)
	return &d, srv, s.guardDoor(&d, srv)
}
