package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/queue"
)

// openQueue opens the spool and the ways out of it: other servers, and for bounces and what could not be filed at once
// the mailboxes here.
func (s *Server) openQueue() error {
	if err := s.makeDir("queue_directory", s.set.QueueDirectory); err != nil {
		return err
	}
	ways, err := s.openTransports()
	if err != nil {
		return err
	}
	if err := s.openVerifier(); err != nil {
		return err
	}
	if err := s.openAgent(ways); err != nil {
		return err
	}
	notices, err := s.noticeOptions()
	if err != nil {
		return err
	}
	spool := s.storage()
	if err := whileFull(roomPatience, func(err error) {
		s.log.Print("postfix/qmgr", "warning: waiting for room on the disk: ", err.Error())
	}, spool.Start); err != nil {
		return s.cfg.ErrorFor("queue_directory", err)
	}
	s.queue = &queue.Queue{
		Storage: spool, Hostname: s.set.MyHostname, Route: s.route, Transports: ways,
		Limits: s.queueLimits(), Notify: notices, SoftBounce: s.set.Notices.SoftBounce,
		Backoff: queue.Backoff{
			Minimal: s.set.MinimalBackoffTime, Maximal: s.set.MaximalBackoffTime, RunDelay: s.set.QueueRunDelay,
			Lifetime: lifetime(s.set.MaximalQueueLifetime), BounceLifetime: lifetime(s.set.BounceQueueLifetime),
			DelayWarning: s.set.DelayWarningTime,
		},
		Trace: queueLog(s.log, s.counters), Logger: s.log.Logger("postfix/qmgr", slog.LevelWarn), Now: s.opts.Now,
	}
	if err := s.queue.Start(); err != nil {
		return s.cfg.ErrorFor("queue_directory", err)
	}
	s.onClose(func() { _ = s.queue.Close() })
	return nil
}

// roomPatience is how long a start waits for room: what a crash has left in the queue's log gets files then. File systems with a journal give room that was
// just made only some seconds later. Who has the server started again when it ends, as systemd does, has it wait for as long as it takes.
const roomPatience = 15 * time.Second

// whileFull tries for so long as the disk is full; full is told once.
func whileFull(patience time.Duration, full func(error), try func() error) error {
	for began, told := time.Now(), false; ; time.Sleep(time.Second / 2) {
		err := try()
		if err == nil || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) || time.Since(began) >= patience {
			return err
		}
		if !told {
			told = true
			full(err)
		}
	}
}

// storage is the queue's on disk.
func (s *Server) storage() *queue.Spool {
	return &queue.Spool{
		Dir: s.set.QueueDirectory, Log: true, LongIDs: s.set.Scheduling.LongIDs, Limits: s.queueLimits(), RescanDelay: s.set.QueueRunDelay,
		MaxDelay: max(s.set.MinimalBackoffTime, s.set.MaximalBackoffTime), Now: s.opts.Now,
		SetAside: func(id string, why error) {
			s.log.Print("postfix/qmgr", "warning: ", id, ": damaged queue file set aside: ", why.Error())
		},
	}
}

func (s *Server) queueLimits() queue.Limits {
	c := &s.set.Scheduling
	return queue.Limits{
		ActiveMessages: int(c.ActiveMessages), ActiveRecipients: int(c.ActiveRecipients), RecipientMinimum: int(c.RecipientMinimum),
		FreeSpace: c.MinFree,
	}
}

// lifetime is a queue's lifetime as the queue has it: 0 means one attempt in main.cf, and the default there.
func lifetime(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// route says where a recipient's copy goes. Addresses are judged anew at each attempt: users come and go.
func (s *Server) route(ctx context.Context, sender, recipient string) (queue.Route, error) {
	t, err := s.policy.Now().ResolveFrom(ctx, sender, recipient)
	if err != nil {
		return queue.Route{}, err
	}
	nexthop := t.Nexthop
	if t.Account != "" {
		nexthop = t.Account
	} else if t.Class == policy.Local {
		nexthop = strings.ToLower(t.Address)
	}
	return queue.Route{Transport: string(t.Class), Nexthop: nexthop}, nil
}

// servesPort25 reports whether mail that the DNS sends to this machine would come back to this server.
func (s *Server) servesPort25() bool {
	for _, v := range s.services {
		if (v.param == "smtp_listen" || v.svc != nil) && strings.HasSuffix(v.addr.Address, ":25") {
			return true
		}
	}
	return false
}

// ownAddress reports whether an address is one of this machine's.
func ownAddress(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, n := range addrs {
		if ipn, ok := n.(*net.IPNet); ok && ipn.IP.Equal(a.AsSlice()) {
			return true
		}
	}
	return false
}

// checkNexthop finds a relayhost that can't be: a host or an address, in brackets if it is not to be looked up as a mail
// exchanger, and perhaps a port.
func checkNexthop(s string) error {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 2 {
			return errors.New("missing ']'")
		}
		host, port = s[1:end], s[end+1:]
		if port != "" && port[0] != ':' {
			return errors.New("what follows ']' must be ':' and a port")
		}
		port = strings.TrimPrefix(port, ":")
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 {
		host, port = s[:i], s[i+1:]
	}
	if host == "" || strings.ContainsAny(host, " \t,/@") {
		return errors.New("is not of the form domain, host:port or [host]:port")
	}
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			if _, err := net.LookupPort("tcp", port); err != nil {
				return errors.New("has no valid port")
			}
		}
	}
	return nil
}
