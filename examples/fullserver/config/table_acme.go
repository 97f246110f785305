package config

// acme is about certificates that are got by themselves.
func acme() []Param {
	const g = "Encryption: certificates by ACME"
	return []Param{
		works(g, "acme_names", List, "", func(s *Settings) any { return &s.ACME.Names },
			"Host names for which certificates are got from an authority, and renewed: $myhostname, imap.$mydomain. Each gets one of its own. The first one's takes the place of smtpd_tls_cert_file where that isn't set. Empty: none."),
		works(g, "acme_accept_terms", Yes, "no", func(s *Settings) any { return &s.ACME.AcceptTerms },
			"Whether you agree to the authority's terms of service, which must be read on its pages."),
		works(g, "acme_contact", List, "", func(s *Settings) any { return &s.ACME.Contact },
			"Mail addresses to which the authority may write."),
		works(g, "acme_directory", Text, "https://acme-v02.api.letsencrypt.org/directory", func(s *Settings) any { return &s.ACME.Directory },
			"The authority's directory URL. To try: https://acme-staging-v02.api.letsencrypt.org/directory. Each authority's account and certificates are apart from another's."),
		works(g, "acme_ca_file", Path, "", func(s *Settings) any { return &s.ACME.CAFile },
			"Certificates (PEM) that the authority's own server is believed by. Empty: the system's."),
		{Name: "acme_challenges", Group: g, Kind: List, Default: "http-01, tls-alpn-01", Choices: []string{"http-01", "tls-alpn-01"}, into: func(s *Settings) any { return &s.ACME.Challenges },
			Help: "How the authority may see that the names are this machine's: http-01 needs http_listen to be what it finds at port 80 of each name, tls-alpn-01 https_listen or webmails_listen at port 443."},
		works(g, "acme_key_id", Text, "", func(s *Settings) any { return &s.ACME.KeyID },
			"For an authority that knows its clients otherwise: the key's name (external account binding)."),
		works(g, "acme_mac_key_file", Path, "", func(s *Settings) any { return &s.ACME.MACKeyFile },
			"And a file with that key, in base64url."),
	}
}

// mtaSTS is about the TLS that this server asks of others who send to it.
func mtaSTS() []Param {
	const g = "Encryption: what senders are told (MTA-STS, TLS reports)"
	return []Param{
		works(g, "mta_sts_domains", Domains, "", func(s *Settings) any { return &s.STS.Domains },
			"Domains whose MTA-STS policy (RFC 8461) is served by https_listen, for the host names mta-sts.DOMAIN, which must lead here at port 443. They get certificates with acme_names. \"fullserver mta-sts\" prints what the DNS must have."),
		choice(g, "mta_sts_mode", Choice, "testing", []string{"enforce", "testing", "none"}, func(s *Settings) any { return &s.STS.Mode },
			"testing: senders report what is wrong and deliver. enforce: they deliver only by TLS, to a server of mta_sts_mx with a certificate that is right. none: to take a policy back; leave it so for as long as mta_sts_max_age was."),
		works(g, "mta_sts_mx", List, "$myhostname", func(s *Settings) any { return &s.STS.MX },
			"The domains' mail servers, by name or *.domain."),
		bounded(g, "mta_sts_max_age", Time, "7d", 1, 31557600, func(s *Settings) any { return &s.STS.MaxAge },
			"How long senders remember the policy."),
		works(g, "tls_report_from", Text, "", func(s *Settings) any { return &s.STS.ReportFrom },
			"The address from which domains that ask for them (_smtp._tls, RFC 8460) get daily reports on how TLS went with their servers. Empty: they get none."),
		works(g, "tls_report_to", List, "", func(s *Settings) any { return &s.STS.ReportTo },
			"Where such reports on mta_sts_domains shall go: mailto: and https: URIs, which \"fullserver mta-sts\" prints as a record for the DNS."),
	}
}

// sealing is about messages that are signed and encrypted for their authors and readers.
func sealing() []Param {
	const g = "Encryption: messages (S/MIME, OpenPGP)"
	return []Param{
		works(g, "seal_sign_maps", Maps, "", func(s *Settings) any { return &s.SealSignMaps },
			"Keys that sign users' mail to other servers: the author's address, or @domain, and smime:/file (PEM: certificate, issuers, private key) or pgp:/file. Only mail of users, or from mynetworks, whose author is its sender is signed."),
		works(g, "seal_encrypt_maps", Maps, "", func(s *Settings) any { return &s.SealEncryptMaps },
			"Keys to which mail to other servers is encrypted: the recipient's address, or @domain, and smime:/file (certificate) or pgp:/file (public key). Each such recipient gets a copy of its own; while the key can't be used, it waits."),
		bounded(g, "seal_size_limit", Size, "50M", 1, 1<<30, func(s *Settings) any { return &s.SealSize },
			"The largest message that is signed or encrypted, which is done in memory. Larger ones that should be are returned."),
	}
}
