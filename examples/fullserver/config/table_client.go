package config

// client is about how other servers are spoken to.
func client() []Param {
	const g = "Sending mail elsewhere: more"
	t := func(name, def string, into field, help string) Param {
		return bounded(g, name, Time, def, 1, 86400, into, help)
	}
	return []Param{
		works(g, "smtp_sasl_auth_enable", Yes, "no", func(s *Settings) any { return &s.Sending.SASLAuth },
			"Log in at servers that smtp_sasl_password_maps has something for."),
		works(g, "smtp_sasl_password_maps", Maps, "", func(s *Settings) any { return &s.Sending.SASLPasswordMaps },
			"Servers, as relayhost has them or by name, and \"user:password\"."),
		inert("smtp_sasl_security_options", List, "noplaintext, noanonymous", "passwords are only sent over TLS with a certificate that is right, or to this machine"),
		inert("smtp_sasl_tls_security_options", List, "$smtp_sasl_security_options", "passwords are only sent over TLS with a certificate that is right, or to this machine"),
		refused("smtp_sender_dependent_authentication", Yes, "no", "passwords are looked up by server; use sender_dependent_relayhost_maps with a server for each"),
		works(g, "smtp_tls_CAfile", Path, "", func(s *Settings) any { return &s.Sending.TLSCAFile },
			"Certificates (PEM) of authorities that are believed. Empty: the system's."),
		refused("smtp_tls_CApath", Path, "", "name a file in smtp_tls_CAfile", "/etc/ssl/certs"),
		inert("smtp_tls_session_cache_database", Maps, "", "sessions are remembered in memory"),
		inert("smtp_tls_loglevel", Integer, "0", "the log names TLS troubles"),
		refused("smtp_tls_policy_maps", Maps, "", "smtp_tls_security_level is for all servers"),
		refused("smtp_dns_support_level", Text, "", "host names are looked up without DNSSEC; leave it empty", "enabled"),
		refused("smtp_use_tls", Yes, "no", "it is old; say smtp_tls_security_level = may", "yes"),
		refused("smtp_tls_protocols", List, ">=TLSv1", "TLS 1.2 and 1.3 are spoken; leave it out", ">=TLSv1.2", "!SSLv2, !SSLv3"),
		refused("smtp_tls_mandatory_protocols", List, ">=TLSv1", "TLS 1.2 and 1.3 are spoken; leave it out", ">=TLSv1.2", "!SSLv2, !SSLv3"),
		refused("fallback_relay", List, "", "leave it empty; mail waits in the queue"),
		refused("smtp_fallback_relay", List, "$fallback_relay", "leave it empty; mail waits in the queue"),
		works(g, "smtp_bind_address", Text, "", func(s *Settings) any { return &s.Sending.BindAddress },
			"The IPv4 address that connections are made from."),
		works(g, "smtp_bind_address6", Text, "", func(s *Settings) any { return &s.Sending.BindAddress6 },
			"The IPv6 address that connections are made from."),
		bounded(g, "smtp_mx_session_limit", Integer, "2", 1, 100, func(s *Settings) any { return &s.Sending.MXSessionLimit },
			"Servers of a domain that are greeted in one attempt."),
		bounded(g, "smtp_mx_address_limit", Integer, "5", 1, 100, func(s *Settings) any { return &s.Sending.MXAddressLimit },
			"Addresses of a domain's servers that are tried in one attempt."),
		t("smtp_helo_timeout", "300s", func(s *Settings) any { return &s.Sending.HeloTimeout }, "How long to wait for the greeting and for the answer to EHLO."),
		t("smtp_mail_timeout", "300s", func(s *Settings) any { return &s.Sending.MailTimeout }, "How long to wait for the answer to MAIL."),
		t("smtp_rcpt_timeout", "300s", func(s *Settings) any { return &s.Sending.RcptTimeout }, "How long to wait for the answer to RCPT."),
		t("smtp_data_init_timeout", "120s", func(s *Settings) any { return &s.Sending.DataInitTimeout }, "How long to wait for the answer to DATA."),
		t("smtp_data_xfer_timeout", "180s", func(s *Settings) any { return &s.Sending.DataXferTimeout }, "How long a piece of the message may take."),
		t("smtp_data_done_timeout", "600s", func(s *Settings) any { return &s.Sending.DataDoneTimeout }, "How long to wait for the answer to the message."),
		inert("permit_mx_backup_networks", Nets, "", "permit_mx_backup is not here"),
	}
}
