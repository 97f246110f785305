package config

import "time"

// Postscreen are the parameters of what stands before smtp_listen, and before a postscreen service of master.cf.
type Postscreen struct {
	Enable     bool // before smtp_listen
	AccessList string
	DenyAction string
	Interfaces string

	GreetWait   time.Duration
	GreetBanner string
	GreetAction string
	GreetTTL    time.Duration

	Sites          string
	Threshold      int64
	AllowThreshold string // a number, perhaps negative
	ListedAction   string
	ReplyMap       string
	DNSTimeout     time.Duration
	DNSMaxTTL      time.Duration

	Pipelining, NonSMTP, BareNewline                   bool
	PipeliningAction, NonSMTPAction, BareNewlineAction string
	PipeliningTTL, NonSMTPTTL, BareNewlineTTL          time.Duration

	CacheMap       string
	CacheRetention time.Duration

	Connections  int64 // of an address
	PreQueue     int64
	PostQueue    int64
	Commands     int64
	CommandTime  time.Duration
	Forbidden    string
	HeloRequired bool
	NoVerify     bool
	Discard      []string
	Footer       string
	TLSLevel     string
	Proxy        string
	ProxyTimeout time.Duration
}
