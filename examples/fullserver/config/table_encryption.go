package config

// encryption is about the server's certificates.
func encryption() []Param {
	const g = "Encryption: the server's certificates"
	return []Param{
		works(g, "smtpd_tls_cert_file", Path, "$data_directory/tls.pem", func(s *Settings) any { return &s.TLS.CertFile },
			"Certificate chain (PEM) for STARTTLS and the listeners with TLS from the start, of every protocol. While it is not set, a self-signed one is made in the file of the default. Empty: no TLS. Read again when it changes."),
		works(g, "smtpd_tls_key_file", Path, "$smtpd_tls_cert_file", func(s *Settings) any { return &s.TLS.KeyFile },
			"The certificate's private key (PEM); may be in the same file."),
		works(g, "smtpd_tls_eccert_file", Path, "", func(s *Settings) any { return &s.TLS.ECCertFile },
			"A second certificate, with an ECDSA key, for clients that can check one."),
		works(g, "smtpd_tls_eckey_file", Path, "$smtpd_tls_eccert_file", func(s *Settings) any { return &s.TLS.ECKeyFile },
			"Its private key."),
		works(g, "smtpd_tls_chain_files", List, "", func(s *Settings) any { return &s.TLS.ChainFiles },
			"Files (PEM) with private keys, each followed by its certificate and the issuers of that, in place of the four parameters above: one key of each kind, ECDSA, Ed25519 and RSA, of which each client gets one that it can check; or several of a kind for different names."),
		works(g, "tls_server_sni_maps", Maps, "", func(s *Settings) any { return &s.TLS.SNIMaps },
			"Certificates for single names that clients ask for, of every protocol: a name, or .domain for all below it, and files like those of smtpd_tls_chain_files. Names that aren't here get smtpd_tls_chain_files."),
		refused("smtpd_tls_dcert_file", Path, "", "DSA is not spoken by TLS 1.3, and by nobody else any more: name a key of another kind in smtpd_tls_chain_files"),
		refused("smtpd_tls_dkey_file", Path, "$smtpd_tls_dcert_file", "DSA is not spoken by TLS 1.3, and by nobody else any more: name a key of another kind in smtpd_tls_chain_files"),
	}
}

// clientCertificates is about certificates that clients show, and that this server shows as a client.
func clientCertificates() []Param {
	const g = "Encryption: clients' certificates"
	yes := func(name string, into field, help string) Param { return works(g, name, Yes, "no", into, help) }
	path := func(name, def string, into field, help string) Param { return works(g, name, Path, def, into, help) }
	return []Param{
		yes("smtpd_tls_ask_ccert", func(s *Settings) any { return &s.ClientCerts.Ask },
			"Ask SMTP clients for a certificate, for permit_tls_clientcerts, permit_tls_all_clientcerts, check_ccert_access and mechanism external. One that nobody vouches for ends nothing."),
		yes("smtpd_tls_req_ccert", func(s *Settings) any { return &s.ClientCerts.Require },
			"With smtpd_tls_security_level = encrypt, or TLS from the start: end the session of who has no certificate of smtpd_tls_CAfile."),
		path("smtpd_tls_CAfile", "", func(s *Settings) any { return &s.ClientCerts.CAFile },
			"Certificates (PEM) of the authorities that vouch for clients. Read at the start."),
		path("smtpd_tls_CApath", "", func(s *Settings) any { return &s.ClientCerts.CAPath },
			"A folder of such files."),
		choice(g, "smtpd_tls_fingerprint_digest", Choice, "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}", []string{"md5", "sha1", "sha256", "sha384", "sha512"}, func(s *Settings) any { return &s.ClientCerts.Digest },
			"What fingerprints in relay_clientcerts and check_ccert_access are made with."),
		works(g, "relay_clientcerts", Maps, "", func(s *Settings) any { return &s.ClientCerts.Relay },
			"Fingerprints of certificates, or of their public keys, for permit_tls_clientcerts: D7:04:2F:…, and anything as value."),
		bounded(g, "smtpd_tls_loglevel", Integer, "0", 0, 4, func(s *Settings) any { return &s.ClientCerts.LogLevel },
			"1 and more: a line for each TLS handshake with its version, its cipher and who the client is."),
		refused("smtpd_tls_ccert_verifydepth", Integer, "9", "how long a chain may be is for the authorities in smtpd_tls_CAfile to say, in their certificates"),
		refused("tls_append_default_CA", Yes, "no", "name the system's file in smtpd_tls_CAfile, if strangers shall be believed: /etc/ssl/certs/ca-certificates.crt"),
		path("ssl_ca", "$smtpd_tls_CAfile", func(s *Settings) any { return &s.ClientCerts.StoreCA },
			"What smtpd_tls_CAfile is, for IMAP and POP3. Dovecot's \"<\" before the file may be there. Revocation lists in it are not looked at."),
		yes("ssl_verify_client_cert", func(s *Settings) any { return &s.ClientCerts.StoreAsk },
			"Ask IMAP and POP3 clients for a certificate."),
		yes("auth_ssl_require_client_cert", func(s *Settings) any { return &s.ClientCerts.LoginNeeds },
			"No login, in whatever protocol, without a certificate that an authority vouches for. Needs ssl_verify_client_cert, and smtpd_tls_ask_ccert for SMTP."),
		yes("auth_ssl_username_from_cert", func(s *Settings) any { return &s.ClientCerts.UserFromCert },
			"Who has shown a certificate that an authority vouches for is the user whom it names, whatever name he gives. For mechanism external, which asks for nothing else, and for passwords, which must be that user's."),
		choice(g, "ssl_cert_username_field", Choice, "commonName", []string{"commonName", "x500UniqueIdentifier", "emailAddress", "UID", "rfc822Name"}, func(s *Settings) any { return &s.ClientCerts.UserField },
			"Where the user's name is in the certificate: a field of its subject, or rfc822Name, the address among its alternative names."),
		path("smtp_tls_cert_file", "", func(s *Settings) any { return &s.Sending.TLS.CertFile },
			"Certificate chain (PEM) that is shown to servers that ask for one."),
		path("smtp_tls_key_file", "$smtp_tls_cert_file", func(s *Settings) any { return &s.Sending.TLS.KeyFile }, "Its private key."),
		path("smtp_tls_eccert_file", "", func(s *Settings) any { return &s.Sending.TLS.ECCertFile }, "A second one, with an ECDSA key."),
		path("smtp_tls_eckey_file", "$smtp_tls_eccert_file", func(s *Settings) any { return &s.Sending.TLS.ECKeyFile }, "Its private key."),
		works(g, "smtp_tls_chain_files", List, "", func(s *Settings) any { return &s.Sending.TLS.ChainFiles }, "In place of these, what smtpd_tls_chain_files is for clients."),
	}
}
