package config

import "time"

// fetching are parameters of mail that users have fetched from POP3 accounts elsewhere.
func fetching() []Param {
	const g = "Mail fetched from POP3 accounts elsewhere, which users of web mail set up"
	p := func(name string, kind Kind, value, help string, into func(s *Settings) any) Param {
		return Param{Name: name, Group: g, Kind: kind, Default: value, Help: help, into: into}
	}
	number := func(name, value string, most int64, help string, into func(s *Settings) any) Param {
		row := p(name, Integer, value, help, into)
		row.Min, row.Max = 1, most
		return row
	}
	span := func(name, value string, least time.Duration, help string, into func(s *Settings) any) Param {
		row := p(name, Time, value, help, into)
		row.Min = int64(least / time.Second)
		return row
	}
	return []Param{
		p("webmail_fetch", Yes, "yes", "Users of web mail may have mail fetched from POP3 accounts elsewhere. With no nothing is fetched, and the page isn't there; what was set up stays for later.",
			func(s *Settings) any { return &s.Fetch.Enable }),
		span("webmail_fetch_interval", "15m", time.Minute, "Time between two looks at an account. After failures it doubles, up to six hours.", func(s *Settings) any { return &s.Fetch.Interval }),
		number("webmail_fetch_account_limit", "5", 100, "Accounts that a user may have elsewhere.", func(s *Settings) any { return &s.Fetch.Accounts }),
		number("webmail_fetch_message_limit", "200", 100_000, "Messages fetched from an account at a time. The others come a minute later.", func(s *Settings) any { return &s.Fetch.Messages }),
		Param{Name: "webmail_fetch_size_limit", Group: g, Kind: Size, Default: "52428800", Min: 1024, into: func(s *Settings) any { return &s.Fetch.Size },
			Help: "The largest message that is fetched, in octets. Larger ones stay where they are, and their user is told."},
		span("webmail_fetch_time_limit", "10m", time.Second, "How long a session with another server may take.", func(s *Settings) any { return &s.Fetch.Time }),
		number("webmail_fetch_concurrency_limit", "4", 1000, "Sessions with other servers at the same time, one a user at most.", func(s *Settings) any { return &s.Fetch.Concurrency }),
		number("webmail_fetch_refusal_limit", "3", 100, "How often a password may be refused, one time after the other, until it isn't tried any more: other servers lock accounts after some failures.",
			func(s *Settings) any { return &s.Fetch.Refusals }),
		p("webmail_fetch_ports", List, "995, 110", "Ports of other servers that may be connected to.", func(s *Settings) any { return &s.Fetch.Ports }),
		p("webmail_fetch_networks", Nets, "", "Networks that may be fetched from although they aren't of the public internet: 10.1.2.0/24. Without it users reach neither this machine nor its network.",
			func(s *Settings) any { return &s.Fetch.Networks }),
		p("webmail_fetch_key_file", Path, "$data_directory/webmail/fetch-key", "The key that passwords of accounts elsewhere are encrypted with; one is made where there is none. Outside of data_directory it keeps them from whoever gets only that.",
			func(s *Settings) any { return &s.Fetch.KeyFile }),
	}
}
