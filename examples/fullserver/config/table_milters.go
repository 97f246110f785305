package config

// milters are about mail filters.
func milters() []Param {
	const g = "Milters: rspamd, OpenDKIM and others"
	t := func(name, def string, into field, help string) Param {
		return bounded(g, name, Time, def, 1, 0, into, help)
	}
	macros := func(name, def string, i int, when string) Param {
		return raw(works(g, name, Text, def, func(s *Settings) any { return &s.Milters.Macros[i] }, "The macros that milters are told "+when+", unless they ask for others."))
	}
	return []Param{
		works(g, "smtpd_milters", Text, "", func(s *Settings) any { return &s.Milters.SMTPD },
			"Milters that are asked about SMTP sessions, in this order: inet:host:port, unix:path, or { inet:host:port, default_action=accept, connect_timeout=10s, command_timeout=…, content_timeout=…, protocol=… }."),
		works(g, "non_smtpd_milters", Text, "", func(s *Settings) any { return &s.Milters.Others },
			"Milters for mail that programs of this machine send. It comes by SMTP here, so smtpd_milters see it: write $smtpd_milters, or nothing."),
		works(g, "smtpd_milter_maps", Maps, "", func(s *Settings) any { return &s.Milters.Maps },
			"Tables of other milters for clients, by their address, in place of smtpd_milters; DISABLE: none."),
		refused("milter_header_checks", Maps, "", "use header_checks, which sees the message before milters do"),
		choice(g, "milter_default_action", Choice, "tempfail", []string{"accept", "reject", "tempfail", "quarantine"}, func(s *Settings) any { return &s.Milters.Default },
			"What becomes of mail when a milter can't be asked."),
		bounded(g, "milter_protocol", Integer, "6", 2, 6, func(s *Settings) any { return &s.Milters.Protocol }, "The version of the protocol that is offered."),
		t("milter_connect_timeout", "30s", func(s *Settings) any { return &s.Milters.ConnectTimeout }, "How long a connection to a milter and agreeing with it may take."),
		t("milter_command_timeout", "30s", func(s *Settings) any { return &s.Milters.CommandTimeout }, "How long its answer to a command may take."),
		t("milter_content_timeout", "300s", func(s *Settings) any { return &s.Milters.ContentTimeout }, "How long its answer to a piece of the message may take."),
		works(g, "milter_macro_daemon_name", Text, "$myhostname", func(s *Settings) any { return &s.Milters.DaemonName }, "The macro {daemon_name}."),
		works(g, "milter_macro_v", Text, "$mail_name $mail_version", func(s *Settings) any { return &s.Milters.Version }, "The macro v."),
		macros("milter_connect_macros", "j {daemon_name} {daemon_addr} v _", 0, "with the connection"),
		macros("milter_helo_macros", "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}", 1, "with HELO"),
		macros("milter_mail_macros", "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}", 2, "with MAIL"),
		macros("milter_rcpt_macros", "i {rcpt_addr} {rcpt_host} {rcpt_mailer}", 3, "with RCPT"),
		macros("milter_data_macros", "i", 4, "with DATA"),
		macros("milter_end_of_data_macros", "i", 5, "at the end of a message"),
		macros("milter_end_of_header_macros", "i", 6, "at the end of its header"),
		macros("milter_unknown_command_macros", "", 7, "with an unknown command"),
	}
}
