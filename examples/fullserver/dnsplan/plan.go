// Package dnsplan knows what the DNS should say of a mail server's domains, writes it as lines of a zone file, and compares it with what is published.
package dnsplan

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
)

// Site is what a server is.
type Site struct {
	Hostname string
	Domains  []string
	Addrs    []netip.Addr // that the world reaches it at; empty: those that the DNS has for Hostname
	Keys     []Key        // that sign
	Services []Service    // that users' programs are told of

	Autoconfig   bool   // mail programs are told of the services, at autoconfig.DOMAIN
	Autodiscover uint16 // the port at which Outlook is, over TLS; 0 for none

	STS       string   // the record of MTA-STS, "" for none (RFC 8461)
	STSFor    []string // domains that it is for
	TLSReport string   // where reports of TLS go, "" for nowhere (RFC 8460)
}

// Key is a DKIM key (RFC 6376).
type Key struct {
	Domain, Selector string
	Public           crypto.PublicKey
}

// Service is one that users' programs look for (RFC 6186, RFC 8314).
type Service struct {
	Name string // "imaps"
	Port uint16
}

// Kind says what a record is for.
type Kind string

// The kinds.
const (
	Address  Kind = "address"  // of the server
	Reverse  Kind = "reverse"  // the name of its address
	Exchange Kind = "mx"       // where a domain's mail goes
	Senders  Kind = "spf"      // who sends for it
	Sign     Kind = "dkim"     // how its signatures are checked
	Policy   Kind = "dmarc"    // what is to become of forgeries
	Strict   Kind = "mta-sts"  // mail to it comes over TLS only
	StrictAt Kind = "sts-host" // the host that the policy is read from
	Reports  Kind = "tls-rpt"  // who is told of trouble with TLS
	Find     Kind = "srv"      // where users' programs find the services
	SetUp    Kind = "setup"    // where users' programs ask how to reach them
)

// Record is a line that should be in the DNS.
type Record struct {
	Kind              Kind
	Name, Type, Value string // names without the dot at their end
	Must              bool   // mail suffers without it

	domain string
	key    crypto.PublicKey
}

// Records returns all that a site should publish. Reverse records are those of Addrs.
func (s *Site) Records() (out []Record) {
	add := func(k Kind, name, kind, value string, must bool) *Record {
		out = append(out, Record{Kind: k, Name: name, Type: kind, Value: value, Must: must})
		return &out[len(out)-1]
	}
	for _, a := range s.Addrs {
		kind := "AAAA"
		if a.Is4() {
			kind = "A"
		}
		add(Address, s.Hostname, kind, a.String(), true)
	}
	for _, a := range s.Addrs {
		add(Reverse, a.String(), "PTR", s.Hostname, true)
	}
	for _, d := range s.Domains {
		add(Exchange, d, "MX", "10 "+s.Hostname, true)
		add(Senders, d, "TXT", "v=spf1 mx -all", true)
		for _, k := range s.Keys {
			if strings.EqualFold(k.Domain, d) {
				add(Sign, k.Selector+"._domainkey."+d, "TXT", dkimRecord(k.Public), true).key = k.Public
			}
		}
		add(Policy, "_dmarc."+d, "TXT", "v=DMARC1; p=quarantine; rua=mailto:postmaster@"+d, true)
		if s.STS != "" && contains(s.STSFor, d) {
			add(Strict, "_mta-sts."+d, "TXT", s.STS, false)
			add(StrictAt, "mta-sts."+d, "CNAME", s.Hostname, false)
		}
		if s.TLSReport != "" {
			add(Reports, "_smtp._tls."+d, "TXT", "v=TLSRPTv1; rua="+s.TLSReport, false)
		}
		for _, v := range s.Services {
			priority := 0
			if strings.HasPrefix(v.Name, "pop3") {
				priority = 10 // IMAP is liked better (RFC 6186 section 3.4)
			}
			add(Find, "_"+v.Name+"._tcp."+d, "SRV", fmt.Sprintf("%d 1 %d %s", priority, v.Port, s.Hostname), false)
		}
		if s.Autodiscover > 0 {
			add(SetUp, "_autodiscover._tcp."+d, "SRV", fmt.Sprintf("0 1 %d %s", s.Autodiscover, s.Hostname), false)
		}
		if s.Autoconfig {
			add(SetUp, "autoconfig."+d, "CNAME", s.Hostname, false)
		}
	}
	for i := range out {
		out[i].domain = s.domainOf(out[i].Name)
	}
	return out
}

func (s *Site) domainOf(name string) string {
	best := ""
	for _, d := range s.Domains {
		if (strings.EqualFold(name, d) || strings.HasSuffix(strings.ToLower(name), "."+strings.ToLower(d))) && len(d) > len(best) {
			best = d
		}
	}
	return best
}

func contains(list []string, name string) bool {
	for _, s := range list {
		if strings.EqualFold(s, name) {
			return true
		}
	}
	return false
}

// dkimRecord is a key's record (RFC 6376 section 3.6.1, RFC 8463 section 4).
func dkimRecord(public crypto.PublicKey) string {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(k)
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(k)
		if err == nil {
			return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
		}
	}
	return "v=DKIM1; p="
}

// Line is a record as a zone file has it; long texts are in pieces of 255 octets (RFC 1035 section 3.3).
func (r *Record) Line() string {
	name, value := r.Name+".", r.Value
	switch r.Type {
	case "PTR":
		return "; " + reverse(r.Name) + " PTR " + value + ".   (the owner of the address publishes it)"
	case "MX", "SRV", "CNAME":
		value += "."
	case "TXT":
		var b strings.Builder
		for text := value; ; text = text[255:] {
			if len(text) <= 255 {
				b.WriteString(`"` + text + `"`)
				break
			}
			b.WriteString(`"` + text[:255] + `" `)
		}
		value = b.String()
	}
	return name + " " + r.Type + " " + value
}

// reverse is the name under which the DNS has an address's names.
func reverse(text string) string {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return text
	}
	var b strings.Builder
	if a.Is4() {
		v := a.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa.", v[3], v[2], v[1], v[0])
	}
	v := a.As16()
	for i := len(v) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "%x.%x.", v[i]&15, v[i]>>4)
	}
	return b.String() + "ip6.arpa."
}
