package config

import "time"

// Verify are the parameters of asking other servers about addresses.
type Verify struct {
	Map, Sender                      string
	Negative                         bool
	PositiveExpire, PositiveRefresh  time.Duration
	NegativeExpire, NegativeRefresh  time.Duration
	PollCount, Pending               int64
	PollDelay                        time.Duration
	LocalTransport, VirtualTransport string
	RelayTransport, DefaultTransport string
	RelayHost, TransportMaps         string
	SenderRelayhostMaps              string
	SenderTransportMaps              string
	Recipient                        Unverified // unverified_recipient_…
	Of                               Unverified // unverified_sender_…
}

// Unverified is what is said of an address that takes no mail, or of which that isn't known.
type Unverified struct {
	Reject, Defer    int64
	Reason, Tempfail string
}

// SRS are the parameters of senders of forwarded mail.
type SRS struct {
	Domain     string
	SecretFile string
	MaxAge     time.Duration
}

// Milters are the parameters of mail filters.
type Milters struct {
	SMTPD, Others, Maps                            string
	Default                                        string
	Protocol                                       int64
	ConnectTimeout, CommandTimeout, ContentTimeout time.Duration
	DaemonName, Version                            string
	Macros                                         [8]string // by milter.Stage
}
