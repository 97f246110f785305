package restrict

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/buuta/mail/smtp/verify"
)

// Config is a site's restrictions. The names of Postfix's parameters stand beside the fields.
type Config struct {
	// The lists, as they stand in main.cf.
	Client    string // smtpd_client_restrictions
	Helo      string // smtpd_helo_restrictions
	Sender    string // smtpd_sender_restrictions
	Relay     string // smtpd_relay_restrictions
	Recipient string // smtpd_recipient_restrictions
	Data      string // smtpd_data_restrictions
	EndOfData string // smtpd_end_of_data_restrictions
	Etrn      string // smtpd_etrn_restrictions

	Classes map[string]string // smtpd_restriction_classes: each with its list

	Immediate           bool   // smtpd_delay_reject = no
	RelayLast           bool   // smtpd_relay_before_recipient_restrictions = no
	AnyRecipient        bool   // smtpd_reject_unlisted_recipient = no
	TakeUnknown         bool   // receive_override_options = no_unknown_recipient_checks: not even reject_unlisted_recipient refuses anybody
	ListedSenders       bool   // smtpd_reject_unlisted_sender
	SoftBounce          bool   // soft_bounce
	Proxy               bool   // smtpd_proxy_filter is set: what is the queue's business can't be asked for
	UntrustedRouting    bool   // allow_untrusted_routing
	WholeNames          bool   // parent_domain_matches_subdomains without smtpd_access_maps
	NullSenderKey       string // smtpd_null_access_lookup_key; "": <>
	DefaultPolicyAction string // smtpd_policy_service_default_action; "": 451 4.3.5 Server configuration problem
	Codes               Codes

	Addresses   *rewrite.Rules        // what addresses mean here; must be set
	Networks    func(netip.Addr) bool // mynetworks; nil: none
	Own         func(netip.Addr) bool // inet_interfaces; nil: none
	SenderLogin rewrite.Table         // smtpd_sender_login_maps; nil: none
	// Owner, if not nil, is asked in the place of SenderLogin: whether anybody owns a sender's address, and whether who has logged in does.
	Owner      func(ctx context.Context, v *Visit, sender string) (known, owns bool, err error)
	RelayCerts rewrite.Table // relay_clientcerts; nil: none
	RBLReplies rewrite.Table // rbl_reply_maps; nil: none
	RBLReply   string        // default_rbl_reply; "": Postfix's

	// Verify finds out whether an address takes mail, for reject_unverified_sender and reject_unverified_recipient, which there are not without it.
	Verify                                func(ctx context.Context, address string) verify.Answer
	UnverifiedSender, UnverifiedRecipient Unverified

	// Open opens a table, "type:name".
	Open func(ctx context.Context, spec string) (rewrite.Table, error)
	// SocketDir is where the sockets of policy servers are that have no whole path; "": the current directory.
	SocketDir string
	// Resolver is asked about names; nil: *net.Resolver.
	Resolver Resolver
	// Dial connects to policy servers; nil: net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Log hears of what is let through with a warning, and of answers that can't be used; nil: nobody.
	Log func(v *Visit, text string)
}

// Codes are the codes of replies. 0: Postfix's default, which stands beside each.
type Codes struct {
	Access, Reject, RBL, Relay, Plaintext, MultiBounce int // 554 554 554 554 450 550: access_map_reject_code, reject_code, maps_rbl_reject_code, …
	AccessDefer, Defer                                 int // 450 450: access_map_defer_code, defer_code
	InvalidName, NonFQDN                               int // 501 504: invalid_hostname_reject_code, non_fqdn_reject_code
	UnknownAddress, UnknownClient, UnknownHelo         int // 450 450 450: unknown_address_reject_code and its like
}

// Unverified is what is said of an address that doesn't take mail, or of which that isn't known.
type Unverified struct {
	Reject, Defer int    // unverified_recipient_reject_code, unverified_recipient_defer_code and their like; 0: 450
	Reason        string // unverified_recipient_reject_reason, in place of what the other server has said; "": that
	Now           bool   // unverified_recipient_tempfail_action = defer; otherwise defer_if_permit
}

// Resolver is what is asked of the DNS. *net.Resolver is one. Errors are *net.DNSError.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// NSResolver is a Resolver that check_…_ns_access needs.
type NSResolver interface {
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
}

// Client is who has connected.
type Client struct {
	Addr netip.Addr
	Port int
	// Name is the name that leads to the address and back, Reverse the one that the address has; "" for none. NameLater and ReverseLater say that the DNS
	// didn't answer.
	Name, Reverse           string
	NameLater, ReverseLater bool
	Protocol                string // "ESMTP"
	Login, Method           string // who has logged in, and how
	Account                 string // whose mailbox that is; for Config.Owner
	TLS                     bool
	TLSVersion, Cipher      string // "TLSv1.3", "TLS_AES_128_GCM_SHA256"
	CipherBits              int
	CertTrusted             bool   // its certificate is of an authority that is believed
	Cert, CertKey           string // fingerprints of the client's certificate and of its public key
	CertSubject, CertIssuer string // their common names
	QueueID                 string // of the message
	Pipelined               bool   // it has sent more than it may before a reply
}

// Message is what restrictions want done with a message besides taking it.
type Message struct {
	Prepend  []string // header fields
	Hold     string   // why it goes on hold; "": it doesn't
	Discard  string   // why it is thrown away; "": it isn't
	Filter   string   // transport:destination
	Redirect string   // the only recipient
	BCC      []string
}

// lookupTimeout is how long a question to the DNS may take.
const lookupTimeout = 20 * time.Second

func code(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

func (c *Config) resolver() Resolver {
	if c.Resolver == nil {
		return net.DefaultResolver
	}
	return c.Resolver
}

// reply makes a reply; with soft_bounce one that says to come again.
func (c *Config) reply(code int, dsn mail.EnhancedCode, text string) *mail.Reply {
	if dsn[0] != code/100 {
		dsn[0] = code / 100
	}
	if c.SoftBounce && code/100 == 5 {
		code, dsn[0] = code-100, 4
	}
	return mail.NewReply(code, dsn, text)
}
