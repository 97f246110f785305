package spf_test

// mechanismCases: section 5.
var mechanismCases = []check{
	{clause: "5 If no CIDR prefix length is given, the addresses are compared for equality", zone: "v=spf1 a:bob.example.com -all", ip: "192.0.2.67", want: fail},
	{clause: "5 only the specified number of high-order bits are compared", zone: "v=spf1 a:bob.example.com/30 -all", ip: "192.0.2.67", want: pass},
	{clause: "5 only the specified number of high-order bits are compared", zone: "v=spf1 a:bob.example.com/31 -all", ip: "192.0.2.68", want: fail},
	{clause: "5 when <ip> is an IPv6 address, \"AAAA\" records are fetched", zone: "v=spf1 a:six.example.com -all\nsix.example.com AAAA 2001:db8::1", ip: "2001:db8::1", want: pass},
	{clause: "5 when <ip> is an IPv6 address, \"A\" records are not", zone: "v=spf1 a:bob.example.com/0//0 -all", ip: "2001:db8::1", want: fail},
	{clause: "5 the length of the family counts", zone: "v=spf1 a:six.example.com/0//64 -all\nsix.example.com AAAA 2001:db8::1", ip: "2001:db8::ffff", want: pass},
	{clause: "5 the length of the family counts", zone: "v=spf1 a:six.example.com/0 -all\nsix.example.com AAAA 2001:db8::1", ip: "2001:db8::ffff", want: fail},
	{clause: "5 RCODE other than 0 or 3: the topmost check_host() returns \"temperror\"", zone: "v=spf1 a:down.example.com -all\ndown.example.com FAIL", want: temperror},
	{clause: "5 Name Error is as zero answer records", zone: "v=spf1 a:nothing.example.com -all", want: fail},

	{clause: "5.1 Mechanisms listed after \"all\" MUST be ignored", zone: "v=spf1 -all ip4:192.0.2.1", want: fail},
	{clause: "5.1 Any \"redirect\" MUST be ignored when there is an \"all\", regardless of the order", zone: "v=spf1 redirect=_spf.example.com ?all\n_spf.example.com TXT v=spf1 -all", want: neutral},

	{clause: "5.2 pass: match", zone: "v=spf1 include:_i.example.com -all\n_i.example.com TXT v=spf1 +all", want: pass},
	{clause: "5.2 -include produces \"fail\"", zone: "v=spf1 -include:_i.example.com +all\n_i.example.com TXT v=spf1 +all", want: fail},
	{clause: "5.2 ?include", zone: "v=spf1 ?include:_i.example.com +all\n_i.example.com TXT v=spf1 +all", want: neutral},
	{clause: "5.2 fail: not match", zone: "v=spf1 include:_i.example.com ~all\n_i.example.com TXT v=spf1 -all", want: softfail},
	{clause: "5.2 softfail: not match", zone: "v=spf1 include:_i.example.com -all\n_i.example.com TXT v=spf1 ~all", want: fail},
	{clause: "5.2 neutral: not match", zone: "v=spf1 include:_i.example.com -all\n_i.example.com TXT v=spf1 ?all", want: fail},
	{clause: "5.2 neutral by default: not match", zone: "v=spf1 include:_i.example.com -all\n_i.example.com TXT v=spf1", want: fail},
	{clause: "5.2 temperror: return temperror", zone: "v=spf1 include:_i.example.com -all\n_i.example.com FAIL", want: temperror},
	{clause: "5.2 permerror: return permerror", zone: "v=spf1 include:_i.example.com -all\n_i.example.com TXT v=spf1 x", want: permerror},
	{clause: "5.2 none: return permerror", zone: "v=spf1 include:_i.example.com -all", want: permerror},
	{clause: "5.2 none, for a name that can't be: return permerror", zone: "v=spf1 include:a..example.com -all", want: permerror},
	{clause: "5.2 the previous value of <domain> is restored", zone: "v=spf1 include:example.org a:%{d} -all\nexample.org TXT v=spf1 a:%{d} -all", ip: "192.0.2.10", want: pass},
	{clause: "5.2 what matches first counts: later errors aren't met", zone: "v=spf1 ip4:192.0.2.1 include:nothing.example.com", want: pass},
	{clause: "5.2 \"IN TXT v=spf1 include:example.com include:example.org -all\"", zone: "v=spf1 mx -all\nexample.org TXT v=spf1 mx -all\nexample.net TXT v=spf1 include:example.com include:example.org -all", from: "joe@example.net", ip: "192.0.2.140", want: pass},
	{clause: "5.2 Only if the host were not permitted for either of those domains would the result be \"fail\"", zone: "v=spf1 mx -all\nexample.org TXT v=spf1 mx -all\nexample.net TXT v=spf1 include:example.com include:example.org -all", from: "joe@example.net", want: fail},

	{clause: "5.3 If any address matches", zone: "v=spf1 a -all", ip: "192.0.2.11", want: pass},
	{clause: "5.3 <domain> is the target without a domain-spec (4.8)", zone: "v=spf1 include:example.org -all\nexample.org TXT v=spf1 a -all\nexample.org A 192.0.2.1", want: pass},
	{clause: "5.3 an underscore may be in a name", zone: "v=spf1 a:a_b.example.com -all\na_b.example.com A 192.0.2.1", want: pass},
	{clause: "4.8 names with empty labels: some implementations treat such errors as not-match", zone: "v=spf1 a:a..example.com ~all", want: softfail},
	{clause: "4.8 labels longer than 63 characters: not-match", zone: "v=spf1 a:a123456789012345678901234567890123456789012345678901234567890123.example.com ~all", want: softfail},

	{clause: "5.4 each MX name's addresses", zone: "v=spf1 mx -all", ip: "192.0.2.130", want: pass},
	{clause: "5.4 not the domain's own address: MUST NOT apply the implicit MX rules", zone: "v=spf1 mx:bob.example.com -all", ip: "192.0.2.66", want: fail},
	{clause: "5.4 IPv6", zone: "v=spf1 mx:six.example.com -all\nsix.example.com MX 5 m.six.example.com\nm.six.example.com AAAA 2001:db8::1", ip: "2001:db8::1", want: pass},
	{clause: "5.4 an MX whose address isn't there", zone: "v=spf1 mx:x.example.com -all\nx.example.com MX 1 nothing.example.com\nx.example.com MX 2 bob.example.com", ip: "192.0.2.66", want: pass},
	{clause: "5.4, 5 a server failure of the MX lookup", zone: "v=spf1 mx:down.example.com -all\ndown.example.com FAIL", want: temperror},
	{clause: "5.4, 5 a server failure of an address", zone: "v=spf1 mx:x.example.com -all\nx.example.com MX 1 down.example.com\ndown.example.com FAIL", want: temperror},
	{clause: "5.4 RFC 7505's null MX has no address", zone: "v=spf1 mx:x.example.com -all\nx.example.com MX 0 .", want: fail},

	{clause: "5.5 \"mail.bad-example.com\" is not within \"example.com\"", zone: "v=spf1 ptr -all\n192.0.2.1 PTR mail.bad-example.com\nmail.bad-example.com A 192.0.2.1", want: fail},
	{clause: "5.5 \"mail.example.com\" is", zone: "v=spf1 ptr -all\n192.0.2.1 PTR mail.example.com\nmail.example.com A 192.0.2.1", want: pass},
	{clause: "5.5 target-name and a validated name are the same", zone: "v=spf1 ptr:bob.example.com -all", ip: "192.0.2.66", want: pass},
	{clause: "5.5 the target-name below the validated name doesn't match", zone: "v=spf1 ptr:a.bob.example.com -all", ip: "192.0.2.66", want: fail},
	{clause: "5.5 If no validated domain name can be found, this mechanism fails to match", zone: "v=spf1 ptr -all", ip: "10.0.0.4", want: fail},
	{clause: "5.5 If a DNS error occurs while doing the PTR RR lookup, then this mechanism fails to match", zone: "v=spf1 ptr -all\n192.0.2.1 FAIL", want: fail,
		pyspf: temperror, why: "pyspf takes it as any other lookup; section 5.5 makes an exception"},
	{clause: "5.5 If a DNS error occurs while doing an A RR lookup, then that domain name is skipped", zone: "v=spf1 ptr -all\n192.0.2.1 PTR down.example.com\n192.0.2.1 PTR up.example.com\ndown.example.com FAIL\nup.example.com A 192.0.2.1", want: pass,
		pyspf: temperror, why: "pyspf takes it as any other lookup; section 5.5 makes an exception"},
	{clause: "5.5 in \"ip6.arpa.\" if it is an IPv6 address", zone: "v=spf1 ptr -all\n2001:db8::1 PTR six.example.com\nsix.example.com AAAA 2001:db8::1", ip: "2001:db8::1", want: pass},

	{clause: "5.6 /32 if it is omitted", zone: "v=spf1 ip4:192.0.2.2 -all", want: fail},
	{clause: "5.6 ip4:192.0.2.0/24", zone: "v=spf1 ip4:192.0.2.0/24 -all", want: pass},
	{clause: "5.6 high-order bits: the others don't matter", zone: "v=spf1 ip4:192.0.2.77/24 -all", want: pass},
	{clause: "5.6 /0", zone: "v=spf1 ip4:203.0.113.1/0 -all", want: pass},
	{clause: "5.6 ip4 doesn't contain an IPv6 address", zone: "v=spf1 ip4:0.0.0.0/0 -all", ip: "2001:db8::1", want: fail},
	{clause: "5.6 ip6, /128 if it is omitted", zone: "v=spf1 ip6:2001:db8::cd30 -all", ip: "2001:db8::cd30", want: pass},
	{clause: "5.6 ip6", zone: "v=spf1 ip6:2001:db8::/32 -all", ip: "2001:db8:ffff::1", want: pass},
	{clause: "5.6 ip6 in upper case and in full", zone: "v=spf1 ip6:2001:0DB8:0:0:0:0:0:CD30 -all", ip: "2001:db8::cd30", want: pass},
	{clause: "5.6 ip6 with dotted quad", zone: "v=spf1 ip6:2001:db8::192.0.2.1 -all", ip: "2001:db8::c000:201", want: pass},
	{clause: "5 IPv4 <ip> addresses are only listed using the \"ip4\" mechanism", zone: "v=spf1 ip6:::ffff:192.0.2.1 -all", want: fail},
	{clause: "5.6 ip6:::/0 has no IPv4 address", zone: "v=spf1 ip6:::/0 -all", want: fail},

	{clause: "5.7 If any A record is returned", zone: "v=spf1 exists:x.example.com -all\nx.example.com A 127.0.0.2", want: pass},
	{clause: "5.7 a DNS A RR lookup (even when the connection type is IPv6)", zone: "v=spf1 exists:x.example.com -all\nx.example.com A 127.0.0.2", ip: "2001:db8::1", want: pass},
	{clause: "5.7 AAAA doesn't count", zone: "v=spf1 exists:x.example.com -all\nx.example.com AAAA ::1", ip: "2001:db8::1", want: fail},
	{clause: "5.7 v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all", zone: "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all\n1.2.0.192.someuser._spf.example.com A 127.0.0.2", from: "someuser@example.com", want: pass},
	{clause: "5.7 \"1.2.0.192.someuser._spf.example.com\": the first part of the local part", zone: "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all\n1.2.0.192.someuser._spf.example.com A 127.0.0.2", from: "someuser-list+x@example.com", want: pass},
	{clause: "5.7 a server failure", zone: "v=spf1 exists:down.example.com -all\ndown.example.com FAIL", want: temperror},
}

// appendixCases: appendix A's records and addresses, and D's.
var appendixCases = []check{
	{clause: "A.1 v=spf1 +all: any <ip> passes", zone: "v=spf1 +all", ip: "203.0.113.9", want: pass},
	{clause: "A.1 v=spf1 a -all: 192.0.2.10", zone: "v=spf1 a -all", ip: "192.0.2.10", want: pass},
	{clause: "A.1 v=spf1 a -all: 192.0.2.11", zone: "v=spf1 a -all", ip: "192.0.2.11", want: pass},
	{clause: "A.1 v=spf1 a -all: no others", zone: "v=spf1 a -all", ip: "192.0.2.129", want: fail},
	{clause: "A.1 v=spf1 a:example.org -all: no sending hosts pass since example.org has no A records", zone: "v=spf1 a:example.org -all", ip: "192.0.2.140", want: fail},
	{clause: "A.1 v=spf1 mx -all: 192.0.2.129", zone: "v=spf1 mx -all", ip: "192.0.2.129", want: pass},
	{clause: "A.1 v=spf1 mx -all: 192.0.2.130", zone: "v=spf1 mx -all", ip: "192.0.2.130", want: pass},
	{clause: "A.1 v=spf1 mx:example.org -all: 192.0.2.140 passes", zone: "v=spf1 mx:example.org -all", ip: "192.0.2.140", want: pass},
	{clause: "A.1 v=spf1 mx mx:example.org -all: 192.0.2.130", zone: "v=spf1 mx mx:example.org -all", ip: "192.0.2.130", want: pass},
	{clause: "A.1 v=spf1 mx mx:example.org -all: 192.0.2.140", zone: "v=spf1 mx mx:example.org -all", ip: "192.0.2.140", want: pass},
	{clause: "A.1 any sending host in 192.0.2.128/30", zone: "v=spf1 mx/30 mx:example.org/30 -all", ip: "192.0.2.131", want: pass},
	{clause: "A.1 or 192.0.2.140/30 passes", zone: "v=spf1 mx/30 mx:example.org/30 -all", ip: "192.0.2.143", want: pass},
	{clause: "A.1 and no other", zone: "v=spf1 mx/30 mx:example.org/30 -all", ip: "192.0.2.132", want: fail},
	{clause: "A.1 v=spf1 ptr -all: 192.0.2.65 passes (reverse DNS is valid and is in example.com)", zone: "v=spf1 ptr -all", ip: "192.0.2.65", want: pass},
	{clause: "A.1 v=spf1 ptr -all: 192.0.2.140 fails (reverse DNS is valid, but not in example.com)", zone: "v=spf1 ptr -all", ip: "192.0.2.140", want: fail},
	{clause: "A.1 v=spf1 ptr -all: 10.0.0.4 fails (reverse IP is not valid)", zone: "v=spf1 ptr -all", ip: "10.0.0.4", want: fail},
	{clause: "A.1 v=spf1 ip4:192.0.2.128/28 -all: 192.0.2.65 fails", zone: "v=spf1 ip4:192.0.2.128/28 -all", ip: "192.0.2.65", want: fail},
	{clause: "A.1 v=spf1 ip4:192.0.2.128/28 -all: 192.0.2.129 passes", zone: "v=spf1 ip4:192.0.2.128/28 -all", ip: "192.0.2.129", want: pass},
	{clause: "A.2 la.example.org: v=spf1 redirect=example.org", zone: "la.example.org TXT v=spf1 redirect=example.org\nexample.org TXT v=spf1 include:example.com include:example.net -all\nv=spf1 mx -all\nexample.net TXT v=spf1 a -all\nexample.net A 192.0.2.7", from: "a@la.example.org", ip: "192.0.2.7", want: pass},
	{clause: "A.3 mary may send from anywhere", zone: a3, from: "mary@example.com", ip: "203.0.113.9", want: pass},
	{clause: "A.3 fred may, with an extension", zone: a3, from: "fred+lists@example.com", ip: "203.0.113.9", want: pass},
	{clause: "A.3 joel may from his own server", zone: a3, from: "joel@example.com", ip: "192.168.15.15", want: pass},
	{clause: "A.3 joel may not from another", zone: a3, from: "joel@example.com", ip: "192.168.15.17", want: fail},
	{clause: "A.3 the mail servers may", zone: a3, from: "anne@example.com", ip: "192.0.2.129", want: pass},
	{clause: "A.4 both that the IP address is within a range and that the reverse DNS matches", zone: a4, ip: "192.0.2.65", want: pass},
	{clause: "A.4 not in the range", zone: a4, ip: "10.0.0.4", want: fail},
	{clause: "A.4 no reverse DNS below ptr._spf.example.com's domain", zone: a4, ip: "192.0.2.140", want: fail},
	{clause: "D.1 v=spf1 mx ?exists:%{ir}.whitelist.example.org -all", zone: "v=spf1 mx ?exists:%{ir}.whitelist.example.org -all\n1.2.0.192.whitelist.example.org A 127.0.0.2", want: neutral},
	{clause: "D.1 v=spf1 mx exists:%{l}._spf_verify.%{d} -all", zone: "v=spf1 mx exists:%{l}._spf_verify.%{d} -all\nprvs=joe._spf_verify.example.com A 127.0.0.2", from: "prvs=joe@example.com", want: pass},
	{clause: "C v=spf1 exists:_h.%{h}._l.%{l}._o.%{o}._i.%{i}._spf.%{d} ?all", zone: "v=spf1 exists:_h.%{h}._l.%{l}._o.%{o}._i.%{i}._spf.%{d} ?all\n_h.mail.example.com._l.joe._o.example.com._i.192.0.2.1._spf.example.com A 127.0.0.2", want: pass},
}

const a3 = `v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all
	mobile-users._spf.example.com TXT v=spf1 exists:%{l1r+}.%{d}
	remote-users._spf.example.com TXT v=spf1 exists:%{ir}.%{l1r+}.%{d}`

// The RFC's ptr._spf.example.com has "-ptr" alone, whose target is ptr._spf.example.com itself: no host is below it. The domain
// is said here, as the text means it.
const a4 = `v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all
	ip4._spf.example.com TXT v=spf1 -ip4:192.0.2.0/24 +all
	ptr._spf.example.com TXT v=spf1 -ptr:example.com +all`
