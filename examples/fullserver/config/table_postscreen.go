package config

import "time"

// postscreen is about what stands before SMTP.
func postscreen() []Param {
	const g = "Before SMTP: postscreen"
	text := func(name, def string, into field, help string) Param {
		return works(g, "postscreen_"+name, Text, def, into, help)
	}
	action := func(name, def string, into field, help string) Param {
		return choice(g, "postscreen_"+name, Choice, def, []string{"ignore", "enforce", "drop"}, into, help)
	}
	yes := func(name, def string, into field, help string) Param {
		return works(g, "postscreen_"+name, Yes, def, into, help)
	}
	count := func(name, def string, into field, help string) Param {
		return bounded(g, "postscreen_"+name, Integer, def, 0, 1<<20, into, help)
	}
	wait := func(name, def string, unit time.Duration, into field, help string) Param {
		p := bounded(g, "postscreen_"+name, Time, def, 1, 365*86400, into, help)
		p.Unit = unit
		return p
	}
	return []Param{
		yes("enable", "no", func(s *Settings) any { return &s.Postscreen.Enable },
			"Test the clients of smtp_listen before they speak with the server. In master.cf a service with the command postscreen does it."),
		text("access_list", "permit_mynetworks", func(s *Settings) any { return &s.Postscreen.AccessList },
			"Clients that are let through or kept away: permit_mynetworks, and tables by address (cidr:) with permit, reject and dunno. The first that says something counts."),
		text("blacklist_action", "", nil, "The old name of postscreen_denylist_action."),
		Param{Name: "postscreen_denylist_action", Group: g, Kind: Choice, Default: "${postscreen_blacklist_action?{$postscreen_blacklist_action}:{ignore}}", Choices: []string{"ignore", "enforce", "drop"},
			into: func(s *Settings) any { return &s.Postscreen.DenyAction }, Help: "What is done with those it rejects."},
		text("whitelist_interfaces", "", nil, "The old name of postscreen_allowlist_interfaces."),
		text("allowlist_interfaces", "${postscreen_whitelist_interfaces?{$postscreen_whitelist_interfaces}:{static:all}}", func(s *Settings) any { return &s.Postscreen.Interfaces },
			"Addresses of this machine where clients can get known: !ADDRESS, static:all leaves out that of a backup MX."),
		wait("greet_wait", "${stress?{2}:{6}}s", 0, func(s *Settings) any { return &s.Postscreen.GreetWait },
			"How long the greeting waits for clients that speak early, and for block lists."),
		text("greet_banner", "$smtpd_banner", func(s *Settings) any { return &s.Postscreen.GreetBanner },
			"The first line of the greeting, before the wait. Empty: nobody is tested for speaking early."),
		action("greet_action", "ignore", func(s *Settings) any { return &s.Postscreen.GreetAction },
			"What is done with clients that speak before the greeting: ignore (until the next time), enforce (refuse all recipients) or drop."),
		wait("greet_ttl", "1d", 0, func(s *Settings) any { return &s.Postscreen.GreetTTL }, "How long a client that waited is not tested again."),
		text("dnsbl_sites", "", func(s *Settings) any { return &s.Postscreen.Sites },
			"Lists in the DNS, each with a filter of answers and a weight: zen.example=127.0.0.[2..11]*3 white.example*-2."),
		count("dnsbl_threshold", "1", func(s *Settings) any { return &s.Postscreen.Threshold }, "The sum of weights from which on a client is listed."),
		action("dnsbl_action", "ignore", func(s *Settings) any { return &s.Postscreen.ListedAction }, "What is done with clients that are."),
		text("dnsbl_whitelist_threshold", "", nil, "The old name of postscreen_dnsbl_allowlist_threshold."),
		text("dnsbl_allowlist_threshold", "${postscreen_dnsbl_whitelist_threshold?{$postscreen_dnsbl_whitelist_threshold}:{0}}", func(s *Settings) any { return &s.Postscreen.AllowThreshold },
			"The sum of weights, below 0, from which on down a client needs no other test; 0 for none."),
		works(g, "postscreen_dnsbl_reply_map", Maps, "", func(s *Settings) any { return &s.Postscreen.ReplyMap }, "What lists are called in replies, by their domains: some have a password in theirs."),
		wait("dnsbl_timeout", "10s", 0, func(s *Settings) any { return &s.Postscreen.DNSTimeout }, "How long lists may take, at most postscreen_greet_wait."),
		text("dnsbl_ttl", "", nil, "The old name of postscreen_dnsbl_max_ttl."),
		wait("dnsbl_max_ttl", "${postscreen_dnsbl_ttl?{$postscreen_dnsbl_ttl}:{1}}h", time.Hour, func(s *Settings) any { return &s.Postscreen.DNSMaxTTL }, "How long a client that no list has is not looked up again."),
		inert("postscreen_dnsbl_min_ttl", Time, "60s", "the resolver tells no times; postscreen_dnsbl_max_ttl counts, and a minute where a list didn't answer"),
		yes("pipelining_enable", "no", func(s *Settings) any { return &s.Postscreen.Pipelining },
			"Test whether clients send several commands at once. Like the next two it makes good clients come twice."),
		action("pipelining_action", "enforce", func(s *Settings) any { return &s.Postscreen.PipeliningAction }, "What is done with those that do."),
		wait("pipelining_ttl", "30d", 0, func(s *Settings) any { return &s.Postscreen.PipeliningTTL }, "How long those that don't are not tested again."),
		yes("non_smtp_command_enable", "no", func(s *Settings) any { return &s.Postscreen.NonSMTP }, "Test whether clients send postscreen_forbidden_commands or header fields for commands."),
		action("non_smtp_command_action", "drop", func(s *Settings) any { return &s.Postscreen.NonSMTPAction }, "What is done with those that do."),
		wait("non_smtp_command_ttl", "30d", 0, func(s *Settings) any { return &s.Postscreen.NonSMTPTTL }, "How long those that don't are not tested again."),
		yes("bare_newline_enable", "no", func(s *Settings) any { return &s.Postscreen.BareNewline }, "Test whether clients end lines with LF alone."),
		action("bare_newline_action", "ignore", func(s *Settings) any { return &s.Postscreen.BareNewlineAction }, "What is done with those that do."),
		wait("bare_newline_ttl", "30d", 0, func(s *Settings) any { return &s.Postscreen.BareNewlineTTL }, "How long those that don't are not tested again."),
		text("cache_map", "btree:$data_directory/postscreen_cache", func(s *Settings) any { return &s.Postscreen.CacheMap },
			"The file of clients that passed, in a form of its own, whatever type stands before the colon. Empty: they are known as long as the server runs."),
		wait("cache_retention_time", "7d", 0, func(s *Settings) any { return &s.Postscreen.CacheRetention }, "How long clients are remembered whose tests have run out."),
		inert("postscreen_cache_cleanup_interval", Time, "12h", "what is old is left out when the file is written anew"),
		count("client_connection_count_limit", "$smtpd_client_connection_count_limit", func(s *Settings) any { return &s.Postscreen.Connections }, "Connections of an address that are tested at once; 0 for any number."),
		count("pre_queue_limit", "$default_process_limit", func(s *Settings) any { return &s.Postscreen.PreQueue }, "Connections that are tested at once."),
		count("post_queue_limit", "$default_process_limit", func(s *Settings) any { return &s.Postscreen.PostQueue }, "Connections that wait for the server, having passed."),
		count("command_count_limit", "20", func(s *Settings) any { return &s.Postscreen.Commands }, "Commands of a client that is tested."),
		wait("command_time_limit", "${stress?{10}:{300}}s", 0, func(s *Settings) any { return &s.Postscreen.CommandTime }, "How long each of them may take."),
		text("forbidden_commands", "$smtpd_forbidden_commands", func(s *Settings) any { return &s.Postscreen.Forbidden }, "Commands that no mail client sends."),
		yes("helo_required", "$smtpd_helo_required", func(s *Settings) any { return &s.Postscreen.HeloRequired }, "Refuse mail before HELO or EHLO, to clients that are tested."),
		yes("disable_vrfy_command", "$disable_vrfy_command", func(s *Settings) any { return &s.Postscreen.NoVerify }, "Refuse VRFY to clients that are tested."),
		works(g, "postscreen_discard_ehlo_keywords", List, "$smtpd_discard_ehlo_keywords", func(s *Settings) any { return &s.Postscreen.Discard }, "What is not offered to clients that are tested."),
		inert("postscreen_discard_ehlo_keyword_address_maps", Maps, "$smtpd_discard_ehlo_keyword_address_maps", "postscreen_discard_ehlo_keywords is for all clients"),
		inert("smtpd_discard_ehlo_keyword_address_maps", Maps, "", "smtpd_discard_ehlo_keywords is for all clients"),
		raw(text("reject_footer", "$smtpd_reject_footer", func(s *Settings) any { return &s.Postscreen.Footer },
			"What stands behind replies that refuse, to clients that are tested: \\c in front keeps it in the same line, \\n begins another; $client_address, $client_port, $localtime and $server_name.")),
		inert("postscreen_reject_footer_maps", Maps, "$smtpd_reject_footer_maps", "postscreen_reject_footer is for all replies"),
		choice(g, "postscreen_tls_security_level", Choice, "$smtpd_tls_security_level", []string{"none", "may", "encrypt", ""}, func(s *Settings) any { return &s.Postscreen.TLSLevel },
			"STARTTLS for clients that are tested: none, may (offered), encrypt (no mail without)."),
		choice(g, "postscreen_upstream_proxy_protocol", Choice, "", []string{"", "haproxy"}, func(s *Settings) any { return &s.Postscreen.Proxy },
			"haproxy: every connection begins with a PROXY header, version 1 or 2, which says who the client is."),
		wait("upstream_proxy_timeout", "5s", 0, func(s *Settings) any { return &s.Postscreen.ProxyTimeout }, "How long to wait for that header."),
		inert("postscreen_command_filter", Maps, "", "commands are taken as they come"),
		inert("postscreen_watchdog_timeout", Time, "10s", "every client has a thread of its own"),
	}
}
