package postscreen

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/buuta/mail/smtp/dnsbl"
)

// Action is what is done with a client that fails a test.
type Action int

// The actions.
const (
	Ignore  Action = iota // note it in the log, and go on as if the client had passed, this once
	Enforce               // have the conversation, and refuse all recipients
	Drop                  // say so, and end the connection
)

// Access is what is known of an address beforehand.
type Access int

// The answers.
const (
	Unknown Access = iota
	Permit         // let through at once
	Deny
)

// Test is a test that needs a conversation.
type Test struct {
	Enable bool
	Action Action
	TTL    time.Duration // how long one who passed counts as such; 0: 30 days
}

// Screen tests clients. The names of Postfix's parameters stand beside the fields. The zero value makes clients wait for the greeting, and
// lets through those that speak early too: set Greet. Fields must not change once it is used.
type Screen struct {
	Hostname string // in replies; "": "localhost"
	Banner   string // behind "220 " where the Screen has the conversation; "": "HOSTNAME ESMTP"
	Teaser   string // postscreen_greet_banner: behind "220-", before the wait; "": none

	GreetWait time.Duration // postscreen_greet_wait; 0: 6 s
	Greet     Action        // postscreen_greet_action
	NoGreet   bool          // postscreen_greet_banner is empty: nobody is tested for speaking early
	GreetTTL  time.Duration // postscreen_greet_ttl; 0: 1 day

	Access     func(a netip.Addr) Access // postscreen_access_list; nil: all are unknown
	DenyAction Action                    // postscreen_denylist_action

	Zones          []dnsbl.Zone             // postscreen_dnsbl_sites
	Resolver       dnsbl.Resolver           // for them; nil: the system's
	Threshold      int                      // postscreen_dnsbl_threshold: the rank from which on a client fails; 0: 1
	AllowThreshold int                      // postscreen_dnsbl_allowlist_threshold: the negative rank up to which a client passes all tests; 0: none
	Listed         Action                   // postscreen_dnsbl_action
	DNSTimeout     time.Duration            // postscreen_dnsbl_timeout; 0: 10 s
	DNSTTL         time.Duration            // how long one who isn't listed counts as such, postscreen_dnsbl_max_ttl; 0: 1 h
	ZoneName       func(zone string) string // postscreen_dnsbl_reply_map: what a list is called in replies; nil: by its name

	Pipelining  Test // postscreen_pipelining_*: several commands at once
	NonSMTP     Test // postscreen_non_smtp_command_*
	BareNewline Test // postscreen_bare_newline_*

	// Local reports addresses of this machine at which clients can get known (postscreen_allowlist_interfaces): a backup MX isn't one. nil: all.
	Local func(a netip.Addr) bool

	// Proxy says that each connection begins with a PROXY header, which has the client's address (postscreen_upstream_proxy_protocol).
	Proxy        bool
	ProxyTimeout time.Duration // 0: 5 s

	HeloRequired bool        // postscreen_helo_required
	NoVerify     bool        // postscreen_disable_vrfy_command
	Without      []string    // postscreen_discard_ehlo_keywords, in upper case
	TLSConfig    *tls.Config // for STARTTLS in a conversation; nil: it isn't offered
	RequireTLS   bool        // postscreen_tls_security_level = encrypt
	MessageSize  int64       // announced; 0: 10,240,000, negative: none
	// Forbidden reports commands, in upper case, that fail NonSMTP beside header fields; nil: CONNECT, GET and POST.
	Forbidden func(command string) bool
	// Footer is put behind replies that refuse (postscreen_reject_footer): "\c" in front keeps it in the same line, "\n" begins another one,
	// and $client_address, $client_port, $localtime and $server_name stand for what they say.
	Footer string

	Limits Limits
	Cache  *Cache            // nil: nobody is known the next time
	Log    func(line string) // in Postfix's words; nil: nobody. It is called by many goroutines at once

	mu      sync.Mutex
	screens int                // connections being tested
	perAddr map[netip.Addr]int // of each client
}

// Limits bound what clients can make a Screen hold. 0 means the default, negative no limit.
type Limits struct {
	Testing     int           // postscreen_pre_queue_limit: connections being tested; 0: 1000
	Waiting     int           // postscreen_post_queue_limit: connections that wait for Accept; 0: 1000
	PerAddr     int           // postscreen_client_connection_count_limit: connections of an address, as long as they are tested; 0: 50
	Commands    int           // postscreen_command_count_limit, of a conversation; 0: 20
	CommandTime time.Duration // postscreen_command_time_limit; 0: 5 min
	Line        int           // octets of a command; 0: 2048
}

func limit(n, def int) int {
	switch {
	case n == 0:
		return def
	case n < 0:
		return int(^uint(0) >> 1)
	}
	return n
}

func or(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

func (s *Screen) host() string {
	if s.Hostname == "" {
		return "localhost"
	}
	return s.Hostname
}

func (s *Screen) banner() string {
	if s.Banner == "" {
		return s.host() + " ESMTP"
	}
	return s.Banner
}

func (s *Screen) log(line string) {
	if s.Log != nil {
		s.Log(line)
	}
}

// arrive counts a connection of a client, and reports whether it isn't one too many.
func (s *Screen) arrive(a netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.perAddr == nil {
		s.perAddr = map[netip.Addr]int{}
	}
	s.perAddr[a]++
	return s.perAddr[a] <= limit(s.Limits.PerAddr, 50)
}

func (s *Screen) leave(a netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.perAddr[a]--; s.perAddr[a] <= 0 {
		delete(s.perAddr, a)
		if len(s.perAddr) == 0 {
			s.perAddr = nil // a map keeps the room that it once needed
		}
	}
}

// begin counts a connection that is tested, and reports whether it isn't one too many; end must follow.
func (s *Screen) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.screens++
	return s.screens <= limit(s.Limits.Testing, 1000)
}

func (s *Screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.screens--
}

// Testing is how many connections are being tested.
func (s *Screen) Testing() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screens
}

// addrOf is the address of a connection's end.
func addrOf(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
	}
	return netip.AddrPort{}
}
