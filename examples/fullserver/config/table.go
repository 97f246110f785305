package config

import (
	"slices"
	"strings"
	"time"
)

// Table returns every parameter, sorted by name.
func Table() []Param {
	t := Groups()
	slices.SortFunc(t, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	return t
}

// Groups returns the table in the order in which a person reads it: by heading, identity first.
func Groups() []Param {
	return slices.Concat(
		identity(), addresses(), routing(), localDelivery(), places(), encryption(), clientCertificates(), acme(), mtaSTS(), sealing(), listeners(), fetching(), access(),
		receiving(), frontDoor(), postscreen(), greylisting(), verification(),
		milters(), filters(), mailAuth(), checks(), limits(),
		sending(), client(), scheduling(), transports(), notices(),
		process(), system(),
	)
}

func identity() []Param {
	const g = "Who this server is, and for whom it takes mail"
	return []Param{
		{Name: "myhostname", Group: g, Kind: Host, Default: "", into: func(s *Settings) any { return &s.MyHostname },
			Help: "The server's own full name, as it greets and signs Received fields. Default: the machine's name."},
		{Name: "mydomain", Group: g, Kind: Host, Default: "", into: func(s *Settings) any { return &s.MyDomain },
			Help: "The site's domain. Default: $myhostname without its first label. Users without a domain in passwd_file belong to it."},
		{Name: "myorigin", Group: g, Kind: Host, Default: "$myhostname", into: func(s *Settings) any { return &s.MyOrigin },
			Help: "The domain that an address without one gets; /etc/mailname, or another file's name, stands for its first line, as in Debian."},
		{Name: "mydestination", Group: g, Kind: Patterns, Default: "$myhostname, localhost.$mydomain, localhost", into: func(s *Settings) any { return &s.Addresses.MyDestination },
			Help: "Domains of this machine itself, and tables and files with more. A user of passwd_file is reached there by local part, under that domain or $mydomain."},
		{Name: "virtual_mailbox_domains", Group: g, Kind: Patterns, Default: "$virtual_mailbox_maps", into: func(s *Settings) any { return &s.Addresses.VirtualMailboxDomains },
			Help: "Domains whose every address is a user of passwd_file, written there in full."},
		{Name: "mynetworks", Group: g, Kind: Nets, Default: "127.0.0.0/8 [::1]/128", into: func(s *Settings) any { return &s.MyNetworks },
			Help: "Clients that may send anywhere without a password: networks, \"!\" before those that may not, files with more, and cidr: and other tables in files."},
		{Name: "postmaster_address", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.PostmasterAddress },
			Help: "The user who gets postmaster's mail, which every server must take (RFC 5321 section 4.5.1). Empty: the first user of passwd_file."},
	}
}

func places() []Param {
	const g = "Where things are"
	return []Param{
		{Name: "data_directory", Group: g, Kind: Path, Default: "/var/lib/fullserver", into: func(s *Settings) any { return &s.DataDirectory },
			Help: "Where the server keeps what it needs; made when missing."},
		{Name: "queue_directory", Group: g, Kind: Path, Default: "$data_directory/queue", into: func(s *Settings) any { return &s.QueueDirectory },
			Help: "Mail on its way elsewhere."},
		{Name: "mail_location", Group: g, Kind: Text, Default: "maildir:$data_directory/mail/%d/%n", into: func(s *Settings) any { return &s.MailLocation },
			Help: "Each user's Maildir: %u is user@domain, %n and %d its two halves, %h the home directory of passwd_file. Behind it may stand Dovecot's :LAYOUT=fs, for mailboxes in folders within each other, and :UTF-8, for folders' names that aren't modified UTF-7. Neither can be changed where mail is."},
		{Name: "mail_text_cache", Group: g, Kind: Yes, Default: "yes", into: func(s *Settings) any { return &s.MailTextCache },
			Help: "Keep the text of messages beside them, so that searches for text take milliseconds. It takes about as much space as the text, and is made again when it is lost."},
		{Name: "mail_text_ahead", Group: g, Kind: Time, Default: "1s", Max: 86400, into: func(s *Settings) any { return &s.MailTextAhead },
			Help: "Make that text so long after messages have come at most, in the background, for all mailboxes, so that the first search is as fast as later ones. It takes a quarter of one processor at most, and only what the next search would take anyhow, but the space for mailboxes that nobody searches, too. 0 leaves it to the first search."},
		{Name: "autoexpunge", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.Autoexpunge },
			Help: "Mailboxes from which old mail is removed once an hour, with the time that messages stay there, and perhaps how many at most: Trash 30d, Junk 14d 1000. What Dovecot's autoexpunge and autoexpunge_max_mails do. A time without a unit is in days."},
		{Name: "zlib_save", Group: g, Kind: Choice, Choices: []string{"", "gz", "zstd"}, Default: "", into: func(s *Settings) any { return &s.ZlibSave },
			Help: "Compress messages that are saved from now on, as Dovecot's setting of this name does: gz, or zstd, which is smaller and faster. Compressed messages, bz2 too, are read whatever this says."},
		{Name: "zlib_save_level", Group: g, Kind: Integer, Default: "0", Max: 22, into: func(s *Settings) any { return &s.ZlibSaveLevel },
			Help: "1, the fastest, to 9 (gz) or 22 (zstd), the smallest. 0: the method's usual one."},
		{Name: "quota_rule", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.QuotaRule },
			Help: "How much an account keeps, in Dovecot's notation: *:storage=1G:messages=100000. Empty: any amount. For one user: the extra field userdb_quota_rule=*:storage=5G in passwd_file."},
		{Name: "quota_rule_maps", Group: g, Kind: Maps, Default: "", into: func(s *Settings) any { return &s.QuotaRuleMaps },
			Help: "The same by user@domain, and by @domain for each of its accounts. What is not in it has quota_rule."},
		{Name: "domain_quota_rule", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.DomainQuotaRule },
			Help: "How much all accounts of a domain keep together, and how many there may be: *:storage=50G:messages=1000000:mailboxes=50:aliases=100. What Dovecot's users have as quota2 with a dict, and postfixadmin as a domain's limits. The numbers of mailboxes and aliases are looked at by \"fullserver user\" and \"fullserver alias\"."},
		{Name: "domain_quota_rule_maps", Group: g, Kind: Maps, Default: "", into: func(s *Settings) any { return &s.DomainQuotaRuleMaps },
			Help: "The same by domain. What is not in it has domain_quota_rule."},
		{Name: "domain_admin_maps", Group: g, Kind: Maps, Default: "", into: func(s *Settings) any { return &s.DomainAdminMaps },
			Help: "Who administers domains: user@domain, and the domains with commas between, or ALL; as postfixadmin's domain_admins has it. They may do with \"fullserver user\" and \"fullserver alias\" -as user@domain what belongs to these."},
		{Name: "quota_full_tempfail", Group: g, Kind: Yes, Default: "no", into: func(s *Settings) any { return &s.QuotaFullTempfail },
			Help: "Tell senders to come again (452 4.2.2) when a mailbox or its domain is full, and keep trying what is in the queue, instead of refusing mail (552 5.2.2)."},
		{Name: "passwd_file", Group: g, Kind: Path, Default: "$data_directory/users", into: func(s *Settings) any { return &s.PasswdFile },
			Help: "The users, in Dovecot's passwd-file format: user@domain:{SCHEME}password:uid:gid:gecos:home:shell:extra. Read again when it changes; every user in it is a mailbox."},
		{Name: "maillog_file", Group: g, Kind: Path, Default: "", into: func(s *Settings) any { return &s.MaillogFile },
			Help: "The log, in Postfix's form. Empty: standard error. SIGHUP opens it again, for logrotate."},
		{Name: "log_targets", Group: g, Kind: List, Default: "file", Choices: []string{"file", "syslog", "journal"}, into: func(s *Settings) any { return &s.Log.Targets },
			Help: "Where the log goes: file (maillog_file, or standard error), syslog (/dev/log, as Postfix does), journal (systemd's, with fields: journalctl MAIL_QUEUE_ID=...). Several at once are well. Lines that syslog or the journal does not take in time are dropped and counted; no mail waits for them."},
		{Name: "maillog_file_rotate_size", Group: g, Kind: Size, Default: "0", into: func(s *Settings) any { return &s.Log.RotateSize },
			Help: "When maillog_file has as much, it gets the time as a suffix and a new one is begun. 0: never; logrotate does it, with SIGHUP."},
		{Name: "maillog_file_rotate_keep", Group: g, Kind: Integer, Default: "8", Max: 100000, into: func(s *Settings) any { return &s.Log.RotateKeep },
			Help: "How many old files maillog_file_rotate_size leaves. 0: all."},
		{Name: "maillog_file_compressor", Group: g, Kind: Choice, Default: "gzip", Choices: []string{"gzip", ""}, into: func(s *Settings) any { return &s.Log.Compressor },
			Help: "What old files are compressed with, in the program itself. Empty: with nothing."},
	}
}

func listeners() []Param {
	const g = "Where it listens: lists of host:port and unix:path, empty for off"
	row := func(name, help string, into func(*Settings) any) Param {
		return Param{Name: name, Group: g, Kind: Listen, Help: help, into: into}
	}
	refused := func(p Param, why string) Param {
		p.Refuse = why
		return p
	}
	return []Param{
		row("smtp_listen", "Mail from other servers and from mynetworks (port 25).", func(s *Settings) any { return &s.SMTPListen }),
		row("submission_listen", "Mail from users, who log in; STARTTLS (port 587).", func(s *Settings) any { return &s.SubmissionListen }),
		row("submissions_listen", "The same, TLS from the start (port 465).", func(s *Settings) any { return &s.SubmissionsListen }),
		row("lmtp_listen", "Mail for local users from a trusted server in front, with a reply for each recipient. Keep it on loopback or a socket.", func(s *Settings) any { return &s.LMTPListen }),
		row("imap_listen", "Reading mail (port 143).", func(s *Settings) any { return &s.IMAPListen }),
		row("imaps_listen", "The same, TLS from the start (port 993).", func(s *Settings) any { return &s.IMAPSListen }),
		row("pop3_listen", "Fetching mail (port 110).", func(s *Settings) any { return &s.POP3Listen }),
		row("pop3s_listen", "The same, TLS from the start (port 995).", func(s *Settings) any { return &s.POP3SListen }),
		row("pop2_listen", "Fetching mail as in 1985 (RFC 937, port 109), for lessons: POP2 knows no TLS, so disable_plaintext_auth keeps it to this machine.", func(s *Settings) any { return &s.POP2Listen }),
		refused(row("managesieve_listen", "ManageSieve (RFC 5804).", func(s *Settings) any { return &s.ManageSieveListen }),
			"this build has no ManageSieve service; leave it empty"),
		row("auth_listen", "Dovecot's authentication protocol, for Postfix (smtpd_sasl_type = dovecot) and Exim: unix:/var/spool/postfix/private/auth. Whoever can connect may try passwords.", func(s *Settings) any { return &s.Accounts.AuthListen }),
		row("auth_userdb_listen", "The same for Dovecot's LMTP and doveadm, which ask who there is: unix:/run/fullserver/auth-userdb.", func(s *Settings) any { return &s.Accounts.AuthUserdbListen }),
		row("http_listen", "HTTP: /healthz, which says ok while the server runs, /readyz, which says so while it takes mail and finds its users.", func(s *Settings) any { return &s.HTTPListen }),
		row("https_listen", "The same over TLS.", func(s *Settings) any { return &s.HTTPSListen }),
		row("webmail_listen", "Mail in the browser, over plain HTTP: for this machine, or with webmail_proxy for a proxy that speaks TLS.", func(s *Settings) any { return &s.WebmailListen }),
		row("webmails_listen", "Mail in the browser, over HTTPS.", func(s *Settings) any { return &s.WebmailsListen }),
		{Name: "webmail_proxy", Group: g, Kind: Yes, Default: "no", into: func(s *Settings) any { return &s.WebmailProxy },
			Help: "Every request to webmail_listen comes through a proxy that speaks TLS with the browsers and adds X-Forwarded-For."},
		{Name: "webmail_image_proxy", Group: g, Kind: Yes, Default: "yes", into: func(s *Settings) any { return &s.WebmailImageProxy },
			Help: "Pictures that mail in the browser wants from web servers elsewhere are fetched by this server, once a user wants to see them: senders then learn neither the user's address nor browser. With no the browser loads them."},
		{Name: "webmail_colleagues", Group: g, Kind: List, Default: "", into: func(s *Settings) any { return &s.WebmailColleagues },
			Help: "Domains whose users find each other in the address book of mail in the browser, each domain's its own; empty: nobody does, as it should be where users are strangers to each other. \"fullserver setup\" writes $mydomain, for an organisation. Names are the fifth field of a passwd_file's lines."},
		{Name: "autoconfig_enable", Group: g, Kind: Yes, Default: "yes", into: func(s *Settings) any { return &s.Autoconfig },
			Help: "Tell mail programs at http_listen, https_listen, webmail_listen and webmails_listen how users of the domains here reach their mail: Thunderbird's autoconfig, Outlook's autodiscover, Apple's profiles. Only services with TLS are told of, at $myhostname."},
		{Name: "webadmin_enable", Group: g, Kind: Yes, Default: "no", into: func(s *Settings) any { return &s.WebadminEnable },
			Help: "Administration in the browser at /admin of webmail_listen and webmails_listen, for those whom domain_admin_maps names."},
		row("webadmin_listen", "The same at an address of its own, over plain HTTP: for this machine, or with webmail_proxy for a proxy that speaks TLS.", func(s *Settings) any { return &s.WebadminListen }),
		row("webadmins_listen", "The same at an address of its own, over HTTPS: one that only administrators reach.", func(s *Settings) any { return &s.WebadminsListen }),
		row("metrics_listen", "Counters of what the server does, for Prometheus, at /metrics over plain HTTP: keep it on loopback or in a network of your own.", func(s *Settings) any { return &s.MetricsListen }),
		{Name: "otlp_endpoint", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.OTLPEndpoint },
			Help: "An OpenTelemetry collector that the same counters are sent to, by OTLP over HTTP: http://127.0.0.1:4318. Empty: nothing is sent."},
		{Name: "otlp_interval", Group: g, Kind: Time, Default: "60s", Min: 1, into: func(s *Settings) any { return &s.OTLPInterval },
			Help: "How often."},
		{Name: "otlp_header_file", Group: g, Kind: Path, Default: "", into: func(s *Settings) any { return &s.OTLPHeaderFile },
			Help: "A file with lines \"Name: value\" that go along, such as the collector's Authorization."},
	}
}

func access() []Param {
	const g = "Greeting and logging in"
	return []Param{
		{Name: "smtpd_banner", Group: g, Kind: Text, Default: "$myhostname ESMTP", into: func(s *Settings) any { return &s.SMTPDBanner },
			Help: "What follows 220 in the greeting. It must begin with $myhostname (RFC 5321 section 4.3.1)."},
		{Name: "smtpd_peername_lookup", Group: g, Kind: Yes, Default: "yes", into: func(s *Settings) any { return &s.SMTPDPeernameLookup },
			Help: "Ask the DNS for the names of SMTP clients, for the log and Received fields. Without it they are \"unknown\"."},
		{Name: "disable_plaintext_auth", Group: g, Kind: Yes, Default: "yes", into: func(s *Settings) any { return &s.DisablePlaintextAuth },
			Help: "Take passwords only over TLS or from this machine itself."},
		{Name: "auth_mechanisms", Group: g, Kind: List, Default: "plain login", Choices: []string{"plain", "login", "cram-md5", "apop", "scram-sha-1", "scram-sha-256", "external", "oauthbearer", "xoauth2"}, into: func(s *Settings) any { return &s.AuthMechanisms },
			Help: "SASL mechanisms offered. cram-md5, apop and scram-sha-1 need every password stored as {PLAIN}, scram-sha-256 as {PLAIN} or {SCRAM-SHA-256}: clients prefer them and fail where the password is hashed otherwise. oauthbearer and xoauth2 take tokens, which an oauth2: passdb checks."},
		{Name: "pop3_uidl_format", Group: g, Kind: Text, Default: "%08Xu%08Xv", into: func(s *Settings) any { return &s.POP3UIDLFormat },
			Help: "How POP3's unique-ids are made, in Dovecot's notation: %u UID, %v UIDVALIDITY, %g GUID, %f name of the file. With another one than before, every client fetches everything again."},
		{Name: "imap_capability", Group: g, Kind: List, Default: "", into: func(s *Settings) any { return &s.IMAPCapability },
			Help: "-NAME takes an IMAP capability away, with its commands, against clients that have trouble with it: -COMPRESS=DEFLATE. +NAME gives back what was taken before. For one user: the extra field userdb_imap_capability=-NAME,+NAME in passwd_file."},
		{Name: "imaps_capability", Group: g, Kind: List, Default: "$imap_capability", into: func(s *Settings) any { return &s.IMAPSCapability },
			Help: "The same for imaps_listen: $imap_capability +COMPRESS=DEFLATE."},
		{Name: "passdb", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.Accounts.Passdb },
			Help: "Who may log in, where passwd_file isn't all: passwd-file:/file, sql:/etc/dovecot/dovecot-sql.conf.ext, ldap:/etc/dovecot/dovecot-ldap.conf.ext, oauth2:/etc/dovecot/dovecot-oauth2.conf.ext, dovecot:/run/dovecot/auth-client (a Dovecot is asked), app-passwords:/file (lines of \"fullserver passwd -app\"), in turn. In braces with Dovecot's options: { passwd-file:/file deny=yes }, { passwd-file:/file master=yes }, { ldap:/file result_failure=return }. Empty: passwd_file."},
		{Name: "userdb", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.Accounts.Userdb },
			Help: "Which users there are, in the same way, a Dovecot's being dovecot:/run/dovecot/auth-userdb; { static:home=/var/mail/%d/%n } is the same for all. Empty: those of passdb."},
		{Name: "auth_master_user_separator", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.Accounts.MasterSeparator },
			Help: "What stands between a user and the master user who logs in as him, * as a rule: alice@example.org*root. Empty: nobody logs in as somebody else."},
		{Name: "auth_cache_size", Group: g, Kind: Size, Default: "0", Max: 1 << 30, into: func(s *Settings) any { return &s.Accounts.CacheSize },
			Help: "Octets for what passdb and userdb have said, some 800 a user; 0 asks each time. After a change of password the new one counts at once, the old one until auth_cache_ttl."},
		{Name: "auth_cache_ttl", Group: g, Kind: Time, Default: "1h", Max: 30 * 86400, into: func(s *Settings) any { return &s.Accounts.CacheTTL },
			Help: "How long that counts. While the database is down it counts for longer."},
		{Name: "auth_cache_negative_ttl", Group: g, Kind: Time, Default: "1h", Max: 30 * 86400, into: func(s *Settings) any { return &s.Accounts.CacheNegativeTTL },
			Help: "The same for users that there aren't, and for wrong passwords."},
		{Name: "auth_totp", Group: g, Kind: Yes, Default: "no", into: func(s *Settings) any { return &s.Accounts.SecondFactor },
			Help: "Users of web mail may set up an authenticator app and make app passwords there, and those who have an app are asked for its code; so are those whose line has the extra field totp=SECRET (\"fullserver passwd -totp\" makes one; a column totp of userdb). Their own password is good on the web only: programs need app passwords or tokens."},
		{Name: "auth_recovery_codes_file", Group: g, Kind: Path, Default: "$data_directory/recovery-codes", into: func(s *Settings) any { return &s.Accounts.RecoveryCodes },
			Help: "Codes on paper for users whose telephone is gone, by user and hashed. What was used is taken out of the file."},
		{Name: "auth_totp_keys_file", Group: g, Kind: Path, Default: "$data_directory/totp-keys", into: func(s *Settings) any { return &s.Accounts.Keys },
			Help: "Where the keys are that users make themselves in web mail, with auth_totp. Who has a field totp has that one."},
		{Name: "auth_app_passwords_file", Group: g, Kind: Path, Default: "$data_directory/app-passwords", into: func(s *Settings) any { return &s.Accounts.AppPasswords },
			Help: "Where the app passwords are that users make themselves in web mail, with auth_totp: it is asked before passdb, and needn't be named there."},
		{Name: "auth_failure_delay", Group: g, Kind: Time, Default: "2s", Max: 60, into: func(s *Settings) any { return &s.AuthFailureDelay },
			Help: "How long the answer to a wrong password waits."},
	}
}

func limits() []Param {
	const g = "Limits"
	return []Param{
		{Name: "message_size_limit", Group: g, Kind: Size, Default: "10240000", Max: 1 << 40, into: func(s *Settings) any { return &s.MessageSizeLimit },
			Help: "The largest message taken, in octets; 0 for any."},
		{Name: "smtpd_recipient_limit", Group: g, Kind: Integer, Default: "1000", Min: 1, Max: 100000, into: func(s *Settings) any { return &s.RecipientLimit },
			Help: "Recipients of one message. A server must take 100 (RFC 5321 section 4.5.3.1.8)."},
		{Name: "hopcount_limit", Group: g, Kind: Integer, Default: "50", Min: 1, Max: 1000, into: func(s *Settings) any { return &s.HopcountLimit },
			Help: "Received fields a message may have, this server's included, before it counts as looping."},
		{Name: "smtpd_timeout", Group: g, Kind: Time, Default: "300s", Min: 1, Max: 86400, into: func(s *Settings) any { return &s.SMTPDTimeout },
			Help: "How long an SMTP client may be silent."},
		{Name: "default_process_limit", Group: g, Kind: Integer, Default: "1000", Min: 1, Max: 1 << 20, into: func(s *Settings) any { return &s.ProcessLimit },
			Help: "Sessions that each service serves at once; more are told to come again."},
	}
}

func sending() []Param {
	const g = "Sending mail elsewhere"
	return []Param{
		{Name: "relayhost", Group: g, Kind: Text, Default: "", into: func(s *Settings) any { return &s.RelayHost },
			Help: "The server that gets all mail for elsewhere: domain, host:port, or [host]:port, which looks up no MX. Empty: the recipient domain's MX."},
		{Name: "smtp_helo_name", Group: g, Kind: Host, Default: "$myhostname", into: func(s *Settings) any { return &s.SMTPHeloName },
			Help: "The name said in EHLO."},
		{Name: "smtp_tls_security_level", Group: g, Kind: Choice, Choices: []string{"none", "may", "encrypt", "fingerprint", "dane", "dane-only", "verify", "secure"}, Default: "may", into: func(s *Settings) any { return &s.SMTPTLSSecurityLevel },
			Help: "TLS towards other servers: none, may (when offered), encrypt (or not at all), verify and secure (with a certificate for the mail exchanger, or for the domain), fingerprint, dane and dane-only. smtp_tls_policy_maps has other levels for some."},
		{Name: "smtp_connect_timeout", Group: g, Kind: Time, Default: "30s", Min: 1, Max: 3600, into: func(s *Settings) any { return &s.SMTPConnectTimeout },
			Help: "How long to wait for a connection."},
		{Name: "default_destination_concurrency_limit", Group: g, Kind: Integer, Default: "20", Min: 1, Max: 10000, into: func(s *Settings) any { return &s.DestinationConcurrency },
			Help: "Deliveries at once to one destination."},
		{Name: "minimal_backoff_time", Group: g, Kind: Time, Default: "300s", Min: 1, into: func(s *Settings) any { return &s.MinimalBackoffTime },
			Help: "Least time between two attempts."},
		{Name: "maximal_backoff_time", Group: g, Kind: Time, Default: "4000s", Min: 1, into: func(s *Settings) any { return &s.MaximalBackoffTime },
			Help: "Most time between two attempts."},
		{Name: "queue_run_delay", Group: g, Kind: Time, Default: "300s", Min: 1, into: func(s *Settings) any { return &s.QueueRunDelay },
			Help: "How often the queue is searched for mail that has become due."},
		{Name: "maximal_queue_lifetime", Group: g, Kind: Time, Default: "5d", Unit: 24 * time.Hour, Max: 100, into: func(s *Settings) any { return &s.MaximalQueueLifetime },
			Help: "When mail that can't be delivered is returned. A time without a unit is in days."},
		{Name: "bounce_queue_lifetime", Group: g, Kind: Time, Default: "5d", Unit: 24 * time.Hour, Max: 100, into: func(s *Settings) any { return &s.BounceQueueLifetime },
			Help: "When a returned message that can't be delivered is given up."},
		{Name: "delay_warning_time", Group: g, Kind: Time, Default: "0h", Unit: time.Hour, into: func(s *Settings) any { return &s.DelayWarningTime },
			Help: "When the sender is told that mail is still on its way; 0 for never. A time without a unit is in hours."},
	}
}
