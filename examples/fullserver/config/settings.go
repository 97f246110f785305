package config

import (
	"net/netip"
	"time"
)

// Settings are the parameters as values, named as in the table.
type Settings struct {
	MyHostname        string
	MyDomain          string
	MyOrigin          string
	MyNetworks        []netip.Prefix // those of mynetworks that stand there themselves
	NetworkPatterns   string         // mynetworks, where it has exceptions, files or tables; "" where it hasn't
	RelayHost         string
	PostmasterAddress string

	DataDirectory  string
	QueueDirectory string
	MaillogFile    string
	Log            Log
	MailLocation   string
	MailTextCache  bool
	MailTextAhead  time.Duration
	Autoexpunge    string
	ZlibSave       string
	QuotaRule      string
	QuotaRuleMaps  string

	DomainQuotaRule, DomainQuotaRuleMaps string
	DomainAdminMaps                      string
	QuotaFullTempfail                    bool

	ZlibSaveLevel int64
	PasswdFile    string

	SMTPListen        []Address
	SubmissionListen  []Address
	SubmissionsListen []Address
	LMTPListen        []Address
	IMAPListen        []Address
	IMAPSListen       []Address
	POP3Listen        []Address
	POP3SListen       []Address
	POP2Listen        []Address
	ManageSieveListen []Address
	HTTPListen        []Address
	HTTPSListen       []Address
	WebmailListen     []Address
	WebmailsListen    []Address
	WebmailProxy      bool
	WebmailImageProxy bool
	WebmailColleagues []string
	Fetch             Fetch
	Autoconfig        bool
	WebadminEnable    bool
	WebadminListen    []Address
	WebadminsListen   []Address
	MetricsListen     []Address
	OTLPEndpoint      string
	OTLPHeaderFile    string
	OTLPInterval      time.Duration

	SMTPDBanner          string
	SMTPDPeernameLookup  bool
	DisablePlaintextAuth bool
	POP3UIDLFormat       string
	IMAPCapability       []string
	IMAPSCapability      []string
	TLS                  TLS
	ClientCerts          ClientCerts
	ACME                 ACME
	STS                  STS
	SealSignMaps         string
	SealEncryptMaps      string
	SealSize             int64

	MessageSizeLimit int64
	RecipientLimit   int64
	HopcountLimit    int64
	SMTPDTimeout     time.Duration
	ProcessLimit     int64
	AuthMechanisms   []string
	AuthFailureDelay time.Duration
	Accounts         Accounts

	MailAuthCheck   bool
	MailAuthFailed  string
	MailAuthServers []string
	JunkMailbox     string
	DKIMKeyTable    string
	DMARCReportFrom string

	ARCTrustedDomains []string

	MaximalQueueLifetime   time.Duration
	BounceQueueLifetime    time.Duration
	MinimalBackoffTime     time.Duration
	MaximalBackoffTime     time.Duration
	QueueRunDelay          time.Duration
	DelayWarningTime       time.Duration
	DestinationConcurrency int64
	SMTPConnectTimeout     time.Duration
	SMTPHeloName           string
	SMTPTLSSecurityLevel   string

	SyslogName  string
	ServicesOff []string // master_service_disable
	transports  map[string]*Transport

	Verify     Verify
	Milters    Milters
	Filters    Filters
	SRS        SRS
	Process    Process
	Addresses  Addresses
	Local      Local
	Checks     Checks
	Sending    Sending
	Receiving  Receiving
	Front      Front
	Postscreen Postscreen
	Greylist   Greylist
	Scheduling Scheduling
	Notices    Notices
}

// Accounts is where users are.
type Accounts struct {
	Passdb, Userdb   string
	MasterSeparator  string
	CacheSize        int64
	CacheTTL         time.Duration
	CacheNegativeTTL time.Duration

	SecondFactor  bool   // auth_totp
	RecoveryCodes string // auth_recovery_codes_file
	Keys          string // auth_totp_keys_file
	AppPasswords  string // auth_app_passwords_file

	AuthListen, AuthUserdbListen []Address
}

// Log is where the log goes beside maillog_file.
type Log struct {
	Targets    []string
	Facility   string
	RotateSize int64
	RotateKeep int64
	Compressor string
}
