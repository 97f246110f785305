package config

// filters are about content filters that speak SMTP or LMTP, or are programs.
func filters() []Param {
	const g = "Content filters"
	const p = "Content filters in front of the queue"
	return []Param{
		works(g, "content_filter", Text, "", func(s *Settings) any { return &s.Filters.Content },
			"The way to a filter that mail goes to first, as transport:nexthop: smtp:[127.0.0.1]:10024, or a transport of master.cf. The filter hands what it lets through to a service of master.cf with -o content_filter=."),
		works(g, "default_filter_nexthop", Text, "", func(s *Settings) any { return &s.Filters.Nexthop },
			"The next hop where content_filter and FILTER name none. Empty: the domain of each recipient."),
		{Name: "receive_override_options", Group: g, Kind: List, Default: "", Choices: []string{"no_unknown_recipient_checks", "no_address_mappings", "no_header_body_checks", "no_milters"}, into: func(s *Settings) any { return &s.Filters.Overrides },
			Help: "What is left out with mail that comes in: for the way to a content filter no_address_mappings, for the way back no_unknown_recipient_checks, no_header_body_checks, no_milters. no_milters leaves out mail_auth_check and dkim_key_table too."},
		works(p, "smtpd_proxy_filter", Text, "", func(s *Settings) any { return &s.Filters.Proxy },
			"A filter that each message goes through before it is accepted, as host:port, inet:host:port or unix:path: its answer is the client's. It hands what it lets through to a service of master.cf with -o smtpd_proxy_filter=."),
		works(p, "smtpd_proxy_ehlo", Text, "$myhostname", func(s *Settings) any { return &s.Filters.ProxyName }, "The name that the filter is greeted with."),
		bounded(p, "smtpd_proxy_timeout", Time, "100s", 1, 0, func(s *Settings) any { return &s.Filters.ProxyTimeout },
			"How long connecting to the filter may take, and each of its answers."),
		{Name: "smtpd_proxy_options", Group: p, Kind: List, Default: "", Choices: []string{"speed_adjust"}, into: func(s *Settings) any { return &s.Filters.ProxyOptions },
			Help: "speed_adjust: connect the filter when the whole message is here. It must not refuse some of the recipients then."},
		refused("internal_mail_filter_classes", List, "", "reports that this server writes go through no filter; leave it empty"),
	}
}
