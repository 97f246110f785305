package config

import "time"

// Greylist are the parameters of sending strangers away once.
type Greylist struct {
	On          bool
	Delay       time.Duration
	RetryWindow time.Duration
	MaxAge      time.Duration
	AutoAllow   int64
	ByHost      bool
	Text        string
	Header      string
	Exceptions  string
	ForAllOf    []string // greylist_recipient_exceptions
	File        string
}

// greylisting is about sending strangers away once. Postfix has nothing of the kind: the names and defaults are those of postgrey's options.
func greylisting() []Param {
	const g = "Greylisting"
	day := 24 * time.Hour
	wait := func(name, def string, unit time.Duration, into field, help string) Param {
		p := bounded(g, name, Time, def, 1, 1<<30, into, help)
		p.Unit = unit
		return p
	}
	return []Param{
		works(g, "greylist", Yes, "no", func(s *Settings) any { return &s.Greylist.On },
			"Tell clients that nobody knows to come back later, at RCPT, when all else would let them in: mail servers do come back. Who has logged in or is in mynetworks is not asked."),
		wait("greylist_delay", "300s", 0, func(s *Settings) any { return &s.Greylist.Delay }, "After which time a message is taken that comes again."),
		wait("greylist_retry_window", "2d", day, func(s *Settings) any { return &s.Greylist.RetryWindow }, "Within which time it has to come again. A time without a unit is in days."),
		wait("greylist_max_age", "35d", day, func(s *Settings) any { return &s.Greylist.MaxAge }, "How long those are known that came back. A time without a unit is in days."),
		bounded(g, "greylist_auto_allow_clients", Integer, "5", 0, 1000, func(s *Settings) any { return &s.Greylist.AutoAllow },
			"Messages that came back, each an hour after the one before, after which a client is not greylisted any more; 0 for never."),
		works(g, "greylist_lookup_by_host", Yes, "no", func(s *Settings) any { return &s.Greylist.ByHost }, "Each address is a client of its own; else all of a /24 are one, of IPv6 a /64."),
		raw(works(g, "greylist_text", Text, "Greylisted, see http://postgrey.schweikert.ch/help/%r.html", func(s *Settings) any { return &s.Greylist.Text },
			"What they are told: %s is the seconds to wait, %r the recipient's domain.")),
		raw(works(g, "greylist_header", Text, "X-Greylist: delayed %t seconds by fullserver at %h; %d", func(s *Settings) any { return &s.Greylist.Header },
			"The header field of messages that had to wait: %t is how many seconds, %h this host, %d the date. Empty: none.")),
		works(g, "greylist_exceptions", Text, "", func(s *Settings) any { return &s.Greylist.Exceptions },
			"Clients that are not greylisted: addresses, networks, host names, .domains, files and tables."),
		works(g, "greylist_recipient_exceptions", List, "postmaster@, abuse@", func(s *Settings) any { return &s.Greylist.ForAllOf },
			"Recipients whose mail is not: user@domain, domain, and user@ for all domains."),
		works(g, "greylist_file", Path, "$data_directory/greylist", func(s *Settings) any { return &s.Greylist.File },
			"What is known of clients, as hashes."),
	}
}
