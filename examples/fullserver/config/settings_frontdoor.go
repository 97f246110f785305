package config

import "time"

// Front are the parameters of what stands before an SMTP session: how much a client may do, and who may speak for others.
type Front struct {
	Connections    int64 // smtpd_client_connection_count_limit
	ConnectionRate int64
	MessageRate    int64
	RecipientRate  int64
	TLSRate        int64
	AuthRate       int64
	Exceptions     string
	RateUnit       time.Duration
	StatusUpdate   time.Duration

	SoftErrors, HardErrors, JunkCommands int64
	ErrorSleep                           time.Duration
	Forbidden                            string

	Proxy                string // smtpd_upstream_proxy_protocol
	ProxyTimeout         time.Duration
	XClients, XForwarder string

	Footer, FooterMaps string // smtpd_reject_footer, _maps
	CommandFilter      string // smtpd_command_filter
	DiscardKeywords    []string
}
