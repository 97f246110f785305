package config

import (
	"slices"
	"strings"
	"time"
)

// Transport is how the queue deals with what goes by one transport: the parameters that begin with its name.
type Transport struct {
	Concurrency        int64 // deliveries at once to a destination
	Initial            int64 // the same of one that nothing is known of yet
	Recipients         int64 // of one message in a delivery
	RateDelay          time.Duration
	TransportRateDelay time.Duration
	FailedCohorts      int64         // how many whole windows must fail before a destination is dead
	TimeLimit          time.Duration // of a command (pipe)
}

// builtin are the transports that there are without a master.cf.
var builtin = []string{"discard", "error", "lmtp", "local", "relay", "retry", "smtp", "virtual"}

// transport returns where a transport's parameters go.
func (s *Settings) transport(name string) *Transport {
	if s.transports == nil {
		s.transports = map[string]*Transport{}
	}
	if s.transports[name] == nil {
		s.transports[name] = &Transport{}
	}
	return s.transports[name]
}

// Transport returns the parameters of a transport that master.cf has, or that is there without one.
func (s *Settings) Transport(name string) Transport {
	if t := s.transports[name]; t != nil {
		return *t
	}
	return Transport{}
}

// transports are the parameters of all transports that there are without a master.cf.
func transports() []Param {
	var out []Param
	for _, name := range builtin {
		if name != "discard" { // for which Postfix has none
			out = append(out, ofTransport(name, false)...)
		}
	}
	return out
}

// ofTransport are the parameters of one transport.
func ofTransport(name string, pipe bool) []Param {
	const g = "Postfix" // a main.cf that explains everything has default_… only
	row := func(suffix string, kind Kind, def string, least, most int64, into func(*Transport) any, help string) Param {
		return Param{Name: name + suffix, Group: g, Kind: kind, Default: def, Min: least, Max: most, Help: help,
			into: func(s *Settings) any { return into(s.transport(name)) }}
	}
	concurrency, recipients := "$default_destination_concurrency_limit", "$default_destination_recipient_limit"
	if name == "local" {
		concurrency, recipients = "2", "1"
	}
	out := []Param{
		row("_destination_concurrency_limit", Integer, concurrency, 0, 10000, func(t *Transport) any { return &t.Concurrency },
			"Deliveries at once to one destination of transport "+name+"; 0 for any number."),
		row("_initial_destination_concurrency", Integer, "$initial_destination_concurrency", 1, 10000, func(t *Transport) any { return &t.Initial },
			"Deliveries at once to a destination of which nothing is known yet."),
		row("_destination_recipient_limit", Integer, recipients, 0, 100000, func(t *Transport) any { return &t.Recipients },
			"Recipients of one message in a delivery; 0 for any number."),
		row("_destination_rate_delay", Time, "$default_destination_rate_delay", 0, 0, func(t *Transport) any { return &t.RateDelay },
			"Least time between two deliveries to one destination."),
		row("_transport_rate_delay", Time, "$default_transport_rate_delay", 0, 0, func(t *Transport) any { return &t.TransportRateDelay },
			"Least time between two deliveries by this transport."),
		row("_destination_concurrency_failed_cohort_limit", Integer, "$default_destination_concurrency_failed_cohort_limit", 0, 1000, func(t *Transport) any { return &t.FailedCohorts },
			"How many times all deliveries at once must fail before a destination is taken for dead; 0 for never."),
	}
	if pipe {
		out = append(out, row("_time_limit", Time, "$command_time_limit", 1, 86400, func(t *Transport) any { return &t.TimeLimit }, "How long its command may take."))
	}
	return out
}

// addTransports adds the parameters of the transports that master.cf has.
func (c *Config) addTransports() {
	for _, s := range c.master {
		if s.Agent() {
			c.addTransport(s.Name, s.Command == "pipe")
		}
	}
}

// addTransport adds those of one.
func (c *Config) addTransport(name string, pipe bool) {
	for _, p := range ofTransport(name, pipe) {
		if c.param(p.Name) == nil {
			i, _ := slices.BinarySearchFunc(c.params, p, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
			c.params = slices.Insert(c.params, i, p)
		}
	}
}
