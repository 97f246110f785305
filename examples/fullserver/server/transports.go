package server

import (
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp/mx"
)

// openTransports makes the ways out of the queue: those that there are without a master.cf, and those that it has.
func (s *Server) openTransports() (map[string]*queue.Transport, error) {
	var err error
	if s.out, err = s.openOutlet(s.cfg); err != nil {
		return nil, err
	}
	s.lmtp = s.openLMTP(s.set)
	ways := map[string]*queue.Transport{}
	s.probers = map[string]prober{}
	for _, name := range []string{"smtp", "lmtp", "local", "virtual", "error", "discard"} {
		ways[name] = s.transport(name, name)
	}
	ways["relay"], ways["retry"] = s.transport("relay", "smtp"), s.transport("retry", "error")
	for _, svc := range s.cfg.Services() {
		if !svc.Agent() || s.cfg.Disabled(svc) {
			continue
		}
		c, err := s.cfg.For(svc)
		if err != nil {
			return nil, err
		}
		t := s.transport(svc.Name, svc.Command)
		switch {
		case svc.Command == "pipe":
			err = s.openPipe(svc, c, t)
		case svc.Command == "smtp" && len(svc.Overrides) > 0:
			var o *outlet
			if o, err = s.openOutlet(c); err == nil {
				t.Deliverer, s.probers[svc.Name] = o.To, asking(o.mx)
			}
		case svc.Command == "lmtp" && len(svc.Overrides) > 0:
			l := s.openLMTP(&c.Settings)
			t.Deliverer, s.probers[svc.Name] = func(nexthop string) mail.Deliverer { return l.To(s.lmtpHop(nexthop)) }, s.askingLMTP(l)
		}
		if err != nil {
			return nil, err
		}
		t.Name = strings.TrimPrefix(c.Settings.SyslogName+"/"+svc.Command, "postfix/")
		if svc.Process > 0 {
			t.ProcessLimit = svc.Process
		}
		ways[svc.Name] = t
	}
	return ways, nil
}

// openLMTP makes what speaks LMTP.
func (s *Server) openLMTP(set *config.Settings) *mx.Transport {
	t := &mx.Transport{Hostname: set.SMTPHeloName, Dial: s.opts.Dial, LMTP: true, Port: "24", Logger: s.log.Logger("postfix/lmtp", slog.LevelWarn)}
	s.onClose(func() { _ = t.Close() })
	return t
}

// transport makes a way out that a program of Postfix's name serves.
func (s *Server) transport(name, command string) *queue.Transport {
	c := s.set.Transport(name) // what the queue does is main.cf's to say
	t := &queue.Transport{
		ConcurrencyLimit: unbounded(c.Concurrency), InitialConcurrency: int(c.Initial), RecipientLimit: unbounded(c.Recipients),
		RateDelay: c.RateDelay, TransportRateDelay: c.TransportRateDelay, FailedCohortLimit: unbounded(c.FailedCohorts), Name: command,
	}
	t.InitialConcurrency = min(t.InitialConcurrency, t.ConcurrencyLimit)
	switch command {
	case "smtp":
		t.Deliverer, s.probers[name] = s.out.To, asking(s.out.mx)
	case "lmtp":
		t.Deliverer, s.probers[name] = func(nexthop string) mail.Deliverer { return s.lmtp.To(s.lmtpHop(nexthop)) }, s.askingLMTP(s.lmtp)
	case "local":
		t.Deliverer, t.Final, t.InitialConcurrency = func(string) mail.Deliverer { return s.agent }, true, t.ConcurrencyLimit
	case "virtual":
		t.Deliverer, t.Final, t.InitialConcurrency = func(string) mail.Deliverer { return s.local }, true, t.ConcurrencyLimit
	case "discard":
		t.Deliverer, t.Final = queue.Discard, true
	case "error":
		t.Deliverer = queue.Refuse
		if name == "retry" {
			t.Deliverer = later
		}
		s.probers[name] = refusedBy(t.Deliverer)
	}
	return t
}

// unbounded makes main.cf's 0, any number, what the queue has for that.
func unbounded(n int64) int {
	if n == 0 {
		return 1 << 30
	}
	return int(n)
}

// later refuses for now: the next hop says why (retry(8)).
func later(nexthop string) mail.Deliverer {
	if strings.HasPrefix(nexthop, "4.") {
		return queue.Refuse(nexthop)
	}
	return queue.Refuse("4.0.0 " + nexthop)
}

// lmtpHop is a next hop of lmtp, "unix:PATH", "inet:HOST:PORT" or "HOST:PORT", as package mx has it.
func (s *Server) lmtpHop(nexthop string) string {
	if path, ok := strings.CutPrefix(nexthop, "unix:"); ok && !filepath.IsAbs(path) { // as Postfix, whose programs run there
		return "unix:" + filepath.Join(s.set.QueueDirectory, path)
	}
	return strings.TrimPrefix(nexthop, "inet:")
}
