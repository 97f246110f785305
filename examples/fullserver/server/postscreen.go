package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/mastercf"
	"github.com/buuta/mail/smtp/dnsbl"
	"github.com/buuta/mail/smtp/postscreen"
)

// screened is a function that serves listeners, whose clients are tested first.
func (s *Server) screened(d *door, serve func(net.Listener) error) (func(net.Listener) error, error) {
	screen, err := s.screen(d)
	if err != nil {
		return nil, err
	}
	x := &screening{d: d, read: *d.set, screen: screen}
	s.screens = append(s.screens, x)
	return func(l net.Listener) error { return serve(x.listen(l)) }, nil
}

// screening is what tests the clients of some listeners, which main.cf's being read again replaces.
type screening struct {
	d    *door
	read config.Settings

	mu        sync.Mutex
	screen    *postscreen.Screen
	listeners []*postscreen.Listener
}

func (x *screening) listen(l net.Listener) net.Listener {
	x.mu.Lock()
	defer x.mu.Unlock()
	sl := x.screen.Listen(l)
	x.listeners = append(x.listeners, sl)
	return sl
}

// use has new clients tested by another screen.
func (x *screening) use(screen *postscreen.Screen) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.screen = screen
	for _, l := range x.listeners {
		l.Use(screen)
	}
}

// renewScreens gives new clients of postscreen the parameters that main.cf has now. What the tables of the old ones hold is given back when the server ends:
// somebody may still be tested by them.
func (s *Server) renewScreens(c *config.Config) error {
	for _, x := range s.screens {
		own, err := s.anew(c, x.d.svc)
		if err != nil {
			return err
		}
		if own == nil || reflect.DeepEqual(own.Settings, x.read) {
			continue
		}
		screen, err := s.screen(&door{set: &own.Settings, svc: x.d.svc})
		if err != nil {
			return err
		}
		x.use(screen)
		x.read = own.Settings
	}
	return nil
}

// screen makes what tests the clients of a door, by its parameters.
func (s *Server) screen(d *door) (*postscreen.Screen, error) {
	p := &d.set.Postscreen
	program := d.set.SyslogName + "/postscreen"
	out := &postscreen.Screen{
		Hostname: d.set.MyHostname, Banner: d.set.SMTPDBanner, Teaser: p.GreetBanner, NoGreet: p.GreetBanner == "",
		GreetWait: p.GreetWait, Greet: actionOf(p.GreetAction), GreetTTL: p.GreetTTL, DenyAction: actionOf(p.DenyAction),
		Resolver: s.opts.Lists, Threshold: int(p.Threshold), Listed: actionOf(p.ListedAction), DNSTimeout: p.DNSTimeout, DNSTTL: p.DNSMaxTTL,
		Pipelining:  postscreen.Test{Enable: p.Pipelining, Action: actionOf(p.PipeliningAction), TTL: p.PipeliningTTL},
		NonSMTP:     postscreen.Test{Enable: p.NonSMTP, Action: actionOf(p.NonSMTPAction), TTL: p.NonSMTPTTL},
		BareNewline: postscreen.Test{Enable: p.BareNewline, Action: actionOf(p.BareNewlineAction), TTL: p.BareNewlineTTL},
		Proxy:       p.Proxy != "", ProxyTimeout: p.ProxyTimeout, HeloRequired: p.HeloRequired, NoVerify: p.NoVerify, Footer: strings.ReplaceAll(p.Footer, "$smtpd_reject_footer", d.set.Front.Footer),
		MessageSize: unlimited[int64](d.set.MessageSizeLimit),
		Limits: postscreen.Limits{
			Testing: int(p.PreQueue), Waiting: int(p.PostQueue), PerAddr: unlimited[int](p.Connections),
			Commands: unlimited[int](p.Commands), CommandTime: p.CommandTime,
		},
		Log: func(line string) { s.log.Print(program, line) },
	}
	for _, keyword := range p.Discard {
		out.Without = append(out.Without, strings.ToUpper(keyword))
	}
	switch level := p.TLSLevel; level {
	case "may", "encrypt":
		out.TLSConfig, out.RequireTLS = s.tlsConfig(), level == "encrypt"
	}
	for _, step := range []func(*door, *postscreen.Screen) error{s.screenAccess, s.screenLists, s.screenCache} {
		if err := step(d, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func actionOf(s string) postscreen.Action {
	switch s {
	case "enforce":
		return postscreen.Enforce
	case "drop":
		return postscreen.Drop
	}
	return postscreen.Ignore
}

// screenAccess opens postscreen_access_list and what else is about addresses and commands.
func (s *Server) screenAccess(d *door, out *postscreen.Screen) error {
	p := &d.set.Postscreen
	var rules []func(a netip.Addr) (postscreen.Access, bool)
	for _, word := range config.Members(p.AccessList) {
		switch {
		case strings.EqualFold(word, "permit_mynetworks"):
			within := func(a netip.Addr) bool {
				return slices.ContainsFunc(d.set.MyNetworks, func(n netip.Prefix) bool { return n.Contains(a) })
			}
			if d.set.NetworkPatterns != "" {
				l, err := s.hostList(d, "mynetworks", d.set.NetworkPatterns)
				if err != nil {
					return err
				}
				within = func(a netip.Addr) bool { return l.Has("", a) }
			}
			rules = append(rules, func(a netip.Addr) (postscreen.Access, bool) { return postscreen.Permit, within(a) })
		case strings.Contains(word, ":"):
			l, err := lookup.OpenList(context.Background(), word, &lookup.Options{Warn: s.warnOfTable})
			if err != nil {
				return s.cfg.ErrorFor("postscreen_access_list", err)
			}
			s.onClose(func() { _ = l.Close() })
			rules = append(rules, func(a netip.Addr) (postscreen.Access, bool) { return s.screenRule(l, a) })
		default:
			access, ok := accessOf(word)
			if !ok {
				return s.cfg.ErrorFor("postscreen_access_list", fmt.Errorf("%q is neither permit_mynetworks, permit, reject or dunno nor a table", word))
			}
			rules = append(rules, func(netip.Addr) (postscreen.Access, bool) { return access, true })
		}
	}
	out.Access = func(a netip.Addr) postscreen.Access {
		for _, r := range rules {
			if access, found := r(a); found {
				return access
			}
		}
		return postscreen.Unknown
	}
	local, err := s.hostList(d, "postscreen_allowlist_interfaces", p.Interfaces)
	if err != nil {
		return err
	}
	out.Local = func(a netip.Addr) bool { return local.Has("", a) }
	forbidden, err := s.hostList(d, "postscreen_forbidden_commands", p.Forbidden)
	if err != nil {
		return err
	}
	out.Forbidden = func(command string) bool { return forbidden.Has(command, netip.Addr{}) }
	return nil
}

func accessOf(word string) (postscreen.Access, bool) {
	switch strings.ToLower(word) {
	case "permit":
		return postscreen.Permit, true
	case "reject":
		return postscreen.Deny, true
	case "dunno":
		return postscreen.Unknown, true
	}
	return postscreen.Unknown, false
}

// screenRule is what a table says of an address. "dunno" in it leaves the rest of the list to say something.
func (s *Server) screenRule(l *lookup.List, a netip.Addr) (postscreen.Access, bool) {
	value, found, err := l.Find(context.Background(), a.String())
	if err != nil {
		s.warnOfTable(err)
		return postscreen.Unknown, false
	}
	if !found {
		return postscreen.Unknown, false
	}
	access, ok := accessOf(strings.TrimSpace(value))
	if !ok {
		s.warnOfTable(fmt.Errorf("postscreen_access_list: %q is none of permit, reject, dunno", value))
	}
	return access, access != postscreen.Unknown
}

// screenLists reads postscreen_dnsbl_sites.
func (s *Server) screenLists(d *door, out *postscreen.Screen) error {
	p := &d.set.Postscreen
	for _, word := range config.Members(p.Sites) {
		z, err := dnsbl.ParseZone(word)
		if err != nil {
			return s.cfg.ErrorFor("postscreen_dnsbl_sites", err)
		}
		out.Zones = append(out.Zones, z)
	}
	n, err := strconv.Atoi(p.AllowThreshold)
	if err != nil || n > 0 {
		return s.cfg.ErrorFor("postscreen_dnsbl_allowlist_threshold", errors.New("is a number, 0 at most"))
	}
	out.AllowThreshold = n
	if p.ReplyMap == "" {
		return nil
	}
	l, err := lookup.OpenList(context.Background(), p.ReplyMap, &lookup.Options{Warn: s.warnOfTable})
	if err != nil {
		return s.cfg.ErrorFor("postscreen_dnsbl_reply_map", err)
	}
	s.onClose(func() { _ = l.Close() })
	out.ZoneName = func(zone string) string {
		if name, found, err := l.Find(context.Background(), zone); err == nil && found {
			return name
		}
		return zone
	}
	return nil
}

// screenCache opens postscreen_cache_map. Services that name the same one share it.
func (s *Server) screenCache(d *door, out *postscreen.Screen) error {
	p := &d.set.Postscreen
	file := p.CacheMap
	if _, name, typed := strings.Cut(file, ":"); typed {
		file = name
	}
	if c := s.caches[file]; c != nil && file != "" {
		out.Cache = c
		return nil
	}
	if file != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return s.cfg.ErrorFor("postscreen_cache_map", err)
		}
	}
	c, err := postscreen.OpenCache(file, postscreen.CacheOptions{Retention: p.CacheRetention, Warn: s.warnOfTable})
	if err != nil {
		return s.cfg.ErrorFor("postscreen_cache_map", err)
	}
	s.onClose(func() {
		if err := c.Close(); err != nil {
			s.warnOfTable(err)
		}
	})
	if s.caches == nil {
		s.caches = map[string]*postscreen.Cache{}
	}
	s.caches[file], out.Cache = c, c
	return nil
}

// behind is the service of master.cf whose parameters a postscreen service's clients get when they have passed: "smtpd pass".
func (s *Server) behind(svc *mastercf.Service) *mastercf.Service {
	for _, v := range s.cfg.Services() {
		if v.Type == "pass" && v.Command == "smtpd" && v.Name == "smtpd" {
			return v
		}
	}
	return svc
}

// buildPostscreen gives a postscreen service of master.cf what tests its clients, and the server that those get who have passed.
func (s *Server) buildPostscreen(v *service) error {
	front, err := s.cfg.For(v.svc)
	if err != nil {
		return err
	}
	d, err := s.door(s.behind(v.svc))
	if err != nil {
		return err
	}
	if d.svc == v.svc || d.limit <= 0 {
		d.limit = int(d.set.ProcessLimit) // what stands there is how many postscreens there are
	}
	srv := s.smtpServer(d)
	if err := s.guardDoor(d, srv); err != nil {
		return err
	}
	v.serve, err = s.screened(&door{set: &front.Settings, svc: v.svc}, s.renewable(d, srv).Serve)
	return err
}
