package config

import "time"

// Addresses are the parameters of rewriting addresses and of finding out where they lead. Tables are as they stand in main.cf, "type:name" with
// commas between; so are lists of domains that may name tables and files.
type Addresses struct {
	RecipientDelimiter   string
	AppendAtMyOrigin     bool
	AppendDotMyDomain    bool
	SwapBangpath         bool
	PercentHack          bool
	AllowMinUser         bool
	ResolveDequoted      bool
	ResolveNullDomain    bool
	EmptyRecipient       string
	PropagateExtensions  []string
	RemoteHeaderDomain   string
	LocalHeaderClients   []string
	ParentDomainMatches  []string
	MyNetworksStyle      string
	InetInterfaces       []string
	ProxyInterfaces      []string
	InetProtocols        []string
	UnlistedRecipient    bool // smtpd_reject_unlisted_recipient
	UnlistedSender       bool
	ShowTableName        bool
	UnknownLocalCode     int64
	UnknownRelayCode     int64
	UnknownAliasCode     int64
	UnknownMailboxCode   int64
	AllowUntrustedRoutes bool

	CanonicalMaps, SenderCanonicalMaps, RecipientCanonicalMaps          string
	CanonicalClasses, SenderCanonicalClasses, RecipientCanonicalClasses []string
	MasqueradeDomains                                                   []string
	MasqueradeClasses                                                   []string
	MasqueradeExceptions                                                string
	VirtualAliasMaps, VirtualAliasDomains                               string
	VirtualAliasRecursion, VirtualAliasExpansion, VirtualAliasLength    int64
	AlwaysBCC, SenderBCCMaps, RecipientBCCMaps                          string
	GenericMaps                                                         string

	MyDestination, VirtualMailboxDomains, RelayDomains                 string
	LocalRecipientMaps, RelayRecipientMaps, VirtualMailboxMaps         string
	LocalTransport, VirtualTransport, RelayTransport, DefaultTransport string
	TransportMaps, SenderRelayhostMaps, SenderTransportMaps            string
	NullRelayhostKey                                                   string
	RelocatedMaps                                                      string
}

// Local are the parameters of delivery to mailboxes, as local(8) does it.
type Local struct {
	AliasMaps         string
	OwnerRequest      bool
	ExpandOwner       bool
	ResetOwner        bool
	AllowCommands     []string
	AllowFiles        []string
	ForwardPath       string // with its names for each user
	LuserRelay        string
	MailboxTransport  string
	FallbackTransport string
	HomeMailbox       string
	MailboxCommand    string

	MailboxTransportMaps, MailboxCommandMaps, FallbackTransportMaps string

	CommandTimeLimit   time.Duration
	CommandShell       string
	PrependDeliveredTo []string
	DefaultPrivs       string
}

// Elsewhere reports whether mail of some users doesn't go to their mailboxes.
func (l *Local) Elsewhere() bool {
	return l.MailboxTransport+l.MailboxTransportMaps+l.MailboxCommand+l.MailboxCommandMaps != ""
}

// Strangers reports whether there is a way for mail of people who aren't users.
func (l *Local) Strangers() bool {
	return l.LuserRelay+l.FallbackTransport+l.FallbackTransportMaps+l.MailboxTransport+l.MailboxTransportMaps != ""
}

// Checks are the parameters that look into messages.
type Checks struct {
	Header, MIMEHeader, NestedHeader, Body string
	Out                                    struct{ Header, MIMEHeader, NestedHeader, Body string } // smtp_header_checks and so on
	BodySize, HeaderSize                   int64
}

// Sending are the parameters of delivery to other servers.
type Sending struct {
	SASLAuth         bool
	SASLPasswordMaps string
	SASLBySender     bool
	TLSCAFile        string
	TLSCAPath        string
	TLSLogLevel      int64
	TLS              TLS // certificates that are shown to servers

	TLSPolicyMaps              string
	DNSLevel                   string
	VerifyMatch, SecureMatch   []string
	FingerprintMatch           []string
	FingerprintDigest          string
	TLSProtocols, TLSMandatory []string
	MTASTS                     bool
	Fallback                   []string

	BindAddress     string
	BindAddress6    string
	MXSessionLimit  int64
	MXAddressLimit  int64
	HeloTimeout     time.Duration
	MailTimeout     time.Duration
	RcptTimeout     time.Duration
	DataInitTimeout time.Duration
	DataXferTimeout time.Duration
	DataDoneTimeout time.Duration
}

// Receiving are the parameters of who may come in, and how.
type Receiving struct {
	ClientRestrictions    string
	HeloRestrictions      string
	SenderRestrictions    string
	RelayRestrictions     string
	RecipientRestrictions string
	DataRestrictions      string
	EndOfDataRestrictions string
	EtrnRestrictions      string
	RestrictionClasses    []string
	DelayReject           bool
	RelayFirst            bool
	RBLReply              string
	RBLReplyMaps          string
	PolicyDefault         string
	NullAccessKey         string
	Codes                 RestrictionCodes
	HeloRequired          bool
	StrictEnvelopes       bool
	SMTPUTF8              bool
	DisableVrfy           bool
	BareNewline           string
	TLSLevel              string
	TLSFirst              bool // smtpd_tls_wrappermode
	AuthAfterTLS          bool // smtpd_tls_auth_only
	SASLType, SASLPath    string
	TLSProtocols          []string
	TLSMandatory          []string
	SASLAuth              bool
	RequireTLS            bool // requiretls_enable
	SenderLoginMaps       string
}

// RestrictionCodes are the codes of replies of restrictions.
type RestrictionCodes struct {
	AccessReject, AccessDefer, Reject, Defer, RBL, Relay, Plaintext, MultiBounce, InvalidName, NonFQDN, UnknownAddress, UnknownClient, UnknownHelo int64
}
