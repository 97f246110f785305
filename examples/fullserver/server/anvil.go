package server

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/hostlist"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/ratelimit"
)

// guardDoor gives a door's server its limits on what clients may do, and says who may speak for others there.
func (s *Server) guardDoor(d *door, srv *smtp.Server) error {
	f := &d.set.Front
	exceptions, err := s.hostList(d, "smtpd_client_event_limit_exceptions", f.Exceptions)
	if err != nil {
		return err
	}
	forbidden, err := s.hostList(d, "smtpd_forbidden_commands", f.Forbidden)
	if err != nil {
		return err
	}
	xclients, err := s.hostList(d, "smtpd_authorized_xclient_hosts", f.XClients)
	if err != nil {
		return err
	}
	xforwarders, err := s.hostList(d, "smtpd_authorized_xforward_hosts", f.XForwarder)
	if err != nil {
		return err
	}
	greylister, err := s.greylister(d)
	if err != nil {
		return err
	}
	if greylister != nil && d.kind == intake.MTA {
		d.backend.Greylist = greylister.ask
	}
	if !d.set.Filters.Without("no_milters") {
		if d.backend.MiltersFor, err = s.milterMaps(d); err != nil {
			return s.cfg.ErrorFor("smtpd_milter_maps", err)
		}
	}
	srv.RateLimiter = &ratelimit.Service{
		Counters: s.anvil, Name: d.name,
		Limits: ratelimit.Limits{
			Connections: int(f.Connections), ConnectionRate: int(f.ConnectionRate), MessageRate: int(f.MessageRate),
			RecipientRate: int(f.RecipientRate), TLSRate: int(f.TLSRate), AuthRate: int(f.AuthRate),
		},
		Exempt: func(c *smtp.Conn) bool { return exceptions.Has(c.ClientName(), ipOf(c.RemoteAddr())) },
		Log:    func(line string) { s.log.Print(d.program, line) },
	}
	srv.Limits.ConnectionsPerAddr = -1 // the RateLimiter counts them
	srv.Limits.SoftErrors, srv.Limits.HardErrors, srv.Limits.JunkCommands = int(f.SoftErrors), int(f.HardErrors), int(f.JunkCommands)
	if srv.Timeouts.Error = f.ErrorSleep; f.ErrorSleep == 0 {
		srv.Timeouts.Error = -1
	}
	srv.Forbidden = func(command string) bool { return forbidden.Has(command, netip.Addr{}) }
	if err := s.wordings(d, srv); err != nil {
		return err
	}
	if f.XClients != "" {
		srv.XClient = func(a net.Addr) bool { return xclients.Has("", ipOf(a)) }
	}
	if f.XForwarder != "" {
		srv.XForward = func(a net.Addr) bool { return xforwarders.Has("", ipOf(a)) }
	}
	if f.Proxy != "" {
		srv.Proxy, srv.Timeouts.Proxy = func(net.Addr) bool { return true }, f.ProxyTimeout
	}
	if !d.set.Receiving.SMTPUTF8 {
		srv.Without |= smtp.SMTPUTF8
	}
	for _, keyword := range f.DiscardKeywords {
		srv.Without |= smtp.ParseExtension(strings.ToUpper(keyword))
	}
	return nil
}

// peer is where what a client says comes from, as far as that is known. A proxy on this machine that says who its clients are doesn't make
// their connections this machine's.
func (d *door) peer(c *smtp.Conn) net.Addr {
	if d.set.Front.Proxy != "" {
		return c.RemoteAddr()
	}
	return c.PeerAddr()
}

// hostList opens a list of clients that a parameter of a door has.
func (s *Server) hostList(d *door, param, text string) (*hostlist.List, error) {
	l, err := hostlist.Open(context.Background(), text, hasWord(d.set.Addresses.ParentDomainMatches, param), &lookup.Options{Warn: s.warnOfTable})
	if err != nil {
		return nil, s.cfg.ErrorFor(param, err)
	}
	s.onClose(func() { _ = l.Close() })
	return l, nil
}

func hasWord(list []string, word string) bool {
	for _, w := range list {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// ipOf is the IP address of a; the zero one where there is none.
func ipOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return t.AddrPort().Addr().Unmap().WithZone("")
}

// startAnvil tells the log of the greatest counts, from time to time and at the end.
func (s *Server) startAnvil() (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(s.set.Front.StatusUpdate)
		defer tick.Stop()
		for {
			ended := false
			select {
			case <-tick.C:
			case <-stop:
				ended = true
			}
			m := s.anvil.Maxima()
			for _, line := range m.Lines() {
				s.log.Print(s.set.SyslogName+"/anvil", line)
			}
			if ended {
				return
			}
		}
	}()
	return func() { close(stop); <-done }
}
