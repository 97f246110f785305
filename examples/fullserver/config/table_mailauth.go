package config

// mailAuth is about who really sent a message.
func mailAuth() []Param {
	const g = "Who really sent it: SPF, DKIM, DMARC, ARC"
	return []Param{
		{Name: "mail_auth_check", Group: g, Kind: Yes, Default: "yes", into: func(s *Settings) any { return &s.MailAuthCheck },
			Help: "Check mail from outside, which is what neither a user nor a client in mynetworks nor LMTP brings, and write what came of it into Authentication-Results."},
		{Name: "mail_auth_failed", Group: g, Kind: Choice, Choices: []string{"junk", "reject", "deliver"}, Default: "junk", into: func(s *Settings) any { return &s.MailAuthFailed },
			Help: "What becomes of mail that fails DMARC where its author's domain asks for quarantine or reject: junk files it in junk_mailbox, with the reason on top; reject refuses it where the domain says reject, and files the rest there; deliver does nothing."},
		{Name: "mail_auth_servers", Group: g, Kind: List, Default: "", into: func(s *Settings) any { return &s.MailAuthServers },
			Help: "Name servers to ask for it, address or address:port. Empty: the system's."},
		{Name: "junk_mailbox", Group: g, Kind: Text, Default: "Junk", into: func(s *Settings) any { return &s.JunkMailbox },
			Help: "Where each user's junk goes; made when it is missing."},
		{Name: "arc_trusted_domains", Group: g, Kind: Domains, Default: "", into: func(s *Settings) any { return &s.ARCTrustedDomains },
			Help: "Domains of lists and forwarders whose seals (ARC) are believed: mail that fails DMARC because they changed it is delivered, if it passed when it came to them."},
		{Name: "dmarc_report_from", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.DMARCReportFrom },
			Help: "The address from which domains that ask for them (rua=) get daily reports on the mail that claimed to be theirs. Empty: they get none."},
		{Name: "dkim_key_table", Group: g, Kind: Path, Default: "", into: func(s *Settings) any { return &s.DKIMKeyTable },
			Help: "Keys that sign mail of users and of mynetworks: lines of a domain, a selector and a file with the key (PEM). Every key of the author's domain signs. Read again at SIGHUP. Empty: nothing is signed."},
	}
}
