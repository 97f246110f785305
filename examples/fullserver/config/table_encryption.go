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
