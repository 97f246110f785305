package rewrite

import (
	"context"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// Rules are a site's. The names of Postfix's parameters stand beside the fields. The zero value of every field is a sensible one; Hostname should be
// set. Rules must not be changed while they are used; they may be used by many goroutines at once.
type Rules struct {
	Hostname string // myhostname: the domain of what has none at the end
	Origin   string // myorigin: the domain that is added to addresses without one
	Domain   string // mydomain: what AppendDomain adds

	NoOrigin      bool   // append_at_myorigin = no
	AppendDomain  bool   // append_dot_mydomain
	NoBangpath    bool   // swap_bangpath = no
	NoPercentHack bool   // allow_percent_hack = no
	NoDequote     bool   // resolve_dequoted_address = no
	NullDomain    bool   // resolve_null_domain
	AllowMinus    bool   // allow_min_user
	Empty         string // empty_address_recipient; "": MAILER-DAEMON

	Delimiter  string // recipient_delimiter
	PlainOwner bool   // owner_request_special = no
	Propagate  Where  // propagate_unmatched_extensions

	// What domains there are. A nil Domains has none.
	Local             Domains // mydestination
	VirtualAliasHosts Domains // virtual_alias_domains
	VirtualMailbox    Domains // virtual_mailbox_domains
	Relay             Domains // relay_domains
	// OwnAddress reports whether an address is this machine's, for <user@[192.0.2.1]>: inet_interfaces and proxy_interfaces.
	OwnAddress func(netip.Addr) bool

	// Rewriting; see Sender, Recipients, HeaderAddress and Generic.
	Canonical          Table // canonical_maps
	SenderCanonical    Table // sender_canonical_maps
	RecipientCanonical Table // recipient_canonical_maps
	// CanonicalFor and its like say which addresses a table is for: canonical_classes and its like. 0 means what Postfix's default says.
	CanonicalFor, SenderCanonicalFor, RecipientCanonicalFor Kind
	Masquerade                                              []string // masquerade_domains
	MasqueradeExceptions                                    Domains  // masquerade_exceptions: of users
	MasqueradeFor                                           Kind     // masquerade_classes
	VirtualAlias                                            Table    // virtual_alias_maps
	SMTPGeneric                                             Table    // smtp_generic_maps
	SenderBCC, RecipientBCC                                 Table    // sender_bcc_maps, recipient_bcc_maps
	Limits                                                  Limits
	// NoMapping leaves addresses as they are, but for what completes them: nothing is canonical, masqueraded, an alias or copied. Who there is,
	// Unlisted says all the same. For mail that goes to a content filter and comes back (receive_override_options = no_address_mappings).
	NoMapping bool

	// Ways; see Resolve. "": local:Hostname, virtual, relay and smtp.
	LocalTransport, VirtualTransport, RelayTransport, DefaultTransport string
	Relayhost                                                          string // relayhost
	SenderRelayhost                                                    Table  // sender_dependent_relayhost_maps
	SenderTransport                                                    Table  // sender_dependent_default_transport_maps
	NullSenderKey                                                      string // what the null sender is in these two; "": <>
	Transport                                                          Table  // transport_maps
	TransportParents                                                   bool   // transport_maps is in parent_domain_matches_subdomains
	Relocated                                                          Table  // relocated_maps

	// Who there is; see Unlisted. nil: anybody.
	LocalRecipients  Table // local_recipient_maps
	RelayRecipients  Table // relay_recipient_maps
	VirtualMailboxes Table // virtual_mailbox_maps
	HideTable        bool  // show_user_unknown_table_name = no
	// Known are local parts that exist in local domains without being in LocalRecipients: those that a mail system writes as itself. nil:
	// postmaster, mailer-daemon and double-bounce.
	Known []string
	// Codes of the reply to an address that nobody has: unknown_local_recipient_reject_code and its like. 0: 550.
	LocalCode, RelayCode, AliasCode, MailboxCode int
}

// Limits bound virtual aliases. A zero is Postfix's default.
type Limits struct {
	Recursion int // virtual_alias_recursion_limit: look-ups of look-ups; 0: 1000
	Expansion int // virtual_alias_expansion_limit: recipients of one; 0: 1000
	Address   int // virtual_alias_address_length_limit: octets; 0: 1000
}

// Where says which tables propagate extensions. The zero value is Postfix's default, canonical and virtual.
type Where uint8

// The kinds of tables that extensions are propagated by.
const (
	InCanonical Where = 1 << iota
	InVirtual
	InAlias
	InForward
	InInclude
	InGeneric
	Nowhere // alone: none propagates
)

// Has reports whether k's extensions are propagated.
func (w Where) Has(k Where) bool {
	if w == 0 {
		w = InCanonical | InVirtual
	}
	return w&k != 0
}

// Kind says where an address stands.
type Kind uint8

// The kinds.
const (
	EnvelopeSender Kind = 1 << iota
	EnvelopeRecipient
	HeaderSender
	HeaderRecipient
	NoKind // alone: none
)

func (k Kind) or(usual Kind) Kind {
	if k == 0 {
		return usual
	}
	return k
}

// IsLocal reports whether a domain is this machine's own: in mydestination, or one of its addresses in brackets.
func (r *Rules) IsLocal(ctx context.Context, domain string) (bool, error) {
	return r.isLocal(ctx, domain)
}

// isLocal reports whether a domain is in mydestination, or an address of this machine in brackets.
func (r *Rules) isLocal(ctx context.Context, domain string) (bool, error) {
	domain = trimDot(domain)
	if domain == "" {
		return false, nil
	}
	ok, err := r.match(ctx, r.Local, "mydestination", domain)
	if ok || err != nil {
		return ok, err
	}
	a, isLiteral := Literal(domain)
	return isLiteral && r.OwnAddress != nil && r.OwnAddress(a), nil
}

func (r *Rules) match(ctx context.Context, d Domains, name, domain string) (bool, error) {
	if d == nil {
		return false, nil
	}
	ok, err := d.Match(ctx, fold(domain))
	if err != nil {
		return false, &LookupError{Table: name, Address: domain, Err: err}
	}
	return ok, nil
}

// Literal returns the address in an address literal (RFC 5321 section 4.1.3): [192.0.2.1], [IPv6:2001:db8::1].
func Literal(s string) (netip.Addr, bool) {
	if len(s) < 3 || s[0] != '[' || s[len(s)-1] != ']' {
		return netip.Addr{}, false
	}
	s = s[1 : len(s)-1]
	v6 := len(s) > 5 && strings.EqualFold(s[:5], "IPv6:")
	if v6 {
		s = s[5:]
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Is6() != v6 || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// fold brings a domain into the form in which it is compared: lower case, and as the DNS has it (RFC 5890).
func fold(d string) string {
	for i := range len(d) {
		if d[i] >= 0x80 {
			if a, err := idna.Lookup.ToASCII(strings.ToLower(d)); err == nil {
				return a
			}
			break
		}
	}
	return strings.ToLower(d)
}
