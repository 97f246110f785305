package config

// frontDoor is about how much clients may do, and who may speak for others.
func frontDoor() []Param {
	const g = "How much a client may do"
	rate := func(name string, into field, what string) Param {
		return bounded(g, name, Integer, "0", 0, 1<<30, into, what+" that an address may have within anvil_rate_time_unit; 0 for any number.")
	}
	return []Param{
		bounded(g, "smtpd_client_connection_count_limit", Integer, "50", 0, 1<<20, func(s *Settings) any { return &s.Front.Connections },
			"SMTP sessions that one address may have at once with a service; 0 for any number."),
		rate("smtpd_client_connection_rate_limit", func(s *Settings) any { return &s.Front.ConnectionRate }, "Connections to a service"),
		rate("smtpd_client_message_rate_limit", func(s *Settings) any { return &s.Front.MessageRate }, "MAIL commands, taken or not,"),
		rate("smtpd_client_recipient_rate_limit", func(s *Settings) any { return &s.Front.RecipientRate }, "RCPT commands, taken or not,"),
		rate("smtpd_client_new_tls_session_rate_limit", func(s *Settings) any { return &s.Front.TLSRate }, "TLS handshakes that don't resume a session"),
		rate("smtpd_client_auth_rate_limit", func(s *Settings) any { return &s.Front.AuthRate }, "AUTH commands"),
		works(g, "smtpd_client_connection_limit_exceptions", Text, "", nil, "The old name of smtpd_client_event_limit_exceptions."),
		works(g, "smtpd_client_event_limit_exceptions", Text, "${smtpd_client_connection_limit_exceptions:$mynetworks}", func(s *Settings) any { return &s.Front.Exceptions },
			"Clients that these limits are not for: addresses, networks, host names, .domains, files and tables."),
		bounded(g, "anvil_rate_time_unit", Time, "60s", 1, 86400, func(s *Settings) any { return &s.Front.RateUnit },
			"The time that rates are over. All counts of an address begin anew together, so long after the first of them."),
		bounded(g, "anvil_status_update_time", Time, "600s", 1, 86400, func(s *Settings) any { return &s.Front.StatusUpdate },
			"How often the log tells of the greatest counts."),
		bounded(g, "smtpd_soft_error_limit", Integer, "10", 1, 100000, func(s *Settings) any { return &s.Front.SoftErrors },
			"Errors of an SMTP client, since its last message, after which all answers wait for smtpd_error_sleep_time."),
		bounded(g, "smtpd_hard_error_limit", Integer, "${stress?{1}:{20}}", 1, 100000, func(s *Settings) any { return &s.Front.HardErrors },
			"Errors after which an SMTP client is sent away."),
		bounded(g, "smtpd_junk_command_limit", Integer, "${stress?{1}:{100}}", 1, 100000, func(s *Settings) any { return &s.Front.JunkCommands },
			"Commands that do nothing for a message (NOOP, RSET, VRFY, ETRN, EHLO) between two messages before they count as errors."),
		bounded(g, "smtpd_error_sleep_time", Time, "1s", 0, 60, func(s *Settings) any { return &s.Front.ErrorSleep },
			"How long answers wait after smtpd_soft_error_limit errors."),
		works(g, "smtpd_forbidden_commands", Text, "CONNECT GET POST regexp:{{/^[^A-Z]/ Bogus}}", func(s *Settings) any { return &s.Front.Forbidden },
			"Commands that no mail client sends: the connection is ended. So is one that sends a header field for a command."),
		choice(g, "smtpd_upstream_proxy_protocol", Choice, "", []string{"", "haproxy"}, func(s *Settings) any { return &s.Front.Proxy },
			"haproxy: every connection begins with a PROXY header, version 1 or 2, which says who the client is."),
		bounded(g, "smtpd_upstream_proxy_timeout", Time, "5s", 1, 3600, func(s *Settings) any { return &s.Front.ProxyTimeout },
			"How long to wait for that header."),
		raw(works(g, "smtpd_reject_footer", Text, "", func(s *Settings) any { return &s.Front.Footer },
			"What stands behind replies that refuse: \\c in front keeps it in the same line, \\n begins another; $client_address, $client_port, $localtime and $server_name.")),
		works(g, "smtpd_reject_footer_maps", Maps, "", func(s *Settings) any { return &s.Front.FooterMaps }, "Tables of other footers, by the whole reply."),
		works(g, "smtpd_command_filter", Maps, "", func(s *Settings) any { return &s.Front.CommandFilter }, "Tables of what is done in place of a client's command, by the whole command: the last resort for programs that speak badly."),
		works(g, "smtpd_authorized_xclient_hosts", Text, "", func(s *Settings) any { return &s.Front.XClients },
			"Addresses and networks that may say by XCLIENT who their client is. They are then not counted."),
		works(g, "smtpd_authorized_xforward_hosts", Text, "", func(s *Settings) any { return &s.Front.XForwarder },
			"Addresses and networks that may say by XFORWARD where a message came from, for the log."),
		works(g, "smtpd_discard_ehlo_keywords", List, "", func(s *Settings) any { return &s.Front.DiscardKeywords },
			"What is not offered in the answer to EHLO: chunking, pipelining, starttls and others. silent-discard means nothing here."),
	}
}
