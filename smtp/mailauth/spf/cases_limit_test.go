package spf_test

import (
	"fmt"
	"strings"
)

// terms repeats a term with its number for "#".
func terms(n int, term string) string {
	var out []string
	for i := range n {
		out = append(out, strings.ReplaceAll(term, "#", fmt.Sprint(i)))
	}
	return strings.Join(out, " ")
}

func lines(n int, line string) string {
	return "\n" + strings.ReplaceAll(strings.ReplaceAll(terms(n, strings.ReplaceAll(line, " ", "~")), " ", "\n"), "~", " ")
}

// limitCases: section 4.6.4, and what 11.1 says of void lookups.
var limitCases = []check{
	{clause: "4.6.4 limit the total number of those terms to 10: include", zone: "v=spf1 " + terms(10, "include:i#.example.com") + " -all" + lines(10, "i#.example.com TXT v=spf1 ?all"), want: fail},
	{clause: "4.6.4 If this limit is exceeded, \"permerror\": include", zone: "v=spf1 " + terms(11, "include:i#.example.com") + " -all" + lines(11, "i#.example.com TXT v=spf1 ?all"), want: permerror},
	{clause: "4.6.4 a", zone: "v=spf1 " + terms(10, "a:bob.example.com") + " -all", want: fail},
	{clause: "4.6.4 a", zone: "v=spf1 " + terms(11, "a:bob.example.com") + " -all", want: permerror},
	{clause: "4.6.4 mx", zone: "v=spf1 " + terms(10, "mx") + " -all", want: fail},
	{clause: "4.6.4 mx", zone: "v=spf1 " + terms(11, "mx") + " -all", want: permerror},
	{clause: "4.6.4 ptr", zone: "v=spf1 " + terms(11, "ptr:example.org") + " -all", ip: "192.0.2.10", want: permerror},
	{clause: "4.6.4 exists", zone: "v=spf1 " + terms(9, "?exists:bob.example.com") + " -all", want: neutral},
	{clause: "4.6.4 redirect", zone: "v=spf1 " + terms(10, "a:bob.example.com") + " redirect=r.example.com\nr.example.com TXT v=spf1 -all", want: permerror},
	{clause: "4.6.4 redirect is the tenth", zone: "v=spf1 " + terms(9, "a:bob.example.com") + " redirect=r.example.com\nr.example.com TXT v=spf1 -all", want: fail},
	{clause: "4.6.4 \"all\", \"ip4\", \"ip6\" are not subject to this limit", zone: "v=spf1 " + terms(40, "ip4:203.0.113.#") + " " + terms(40, "ip6:2001:db8::#") + " -all", want: fail},
	{clause: "4.6.4 \"exp\" is not subject to this limit", zone: "v=spf1 " + terms(10, "a:bob.example.com") + " -all exp=e.example.com\ne.example.com TXT why", want: fail, exp: "why"},
	{clause: "4.6.4 terms behind the one that matches aren't evaluated", zone: "v=spf1 " + terms(9, "a:bob.example.com") + " ip4:192.0.2.1 " + terms(9, "a:bob.example.com"), want: pass},
	{clause: "4.1 a single global limit for all evaluations", zone: "v=spf1 include:i.example.com -all\ni.example.com TXT v=spf1 " + terms(10, "a:bob.example.com"), want: permerror},
	{clause: "4.1 a single global limit for all evaluations", zone: "v=spf1 include:i.example.com -all\ni.example.com TXT v=spf1 " + terms(9, "a:bob.example.com"), want: fail},
	{clause: "4.6.4 a record that includes itself", zone: "v=spf1 include:example.com -all", want: permerror},
	{clause: "4.6.4 a record that redirects to itself", zone: "v=spf1 redirect=example.com", want: permerror},
	{clause: "4.6.4 two that include each other", zone: "v=spf1 include:example.org -all\nexample.org TXT v=spf1 include:example.com -all", want: permerror},

	{clause: "4.6.4 the evaluation of each \"MX\" MUST NOT result in querying more than 10 address records", zone: "v=spf1 mx:x.example.com -all" + lines(10, "x.example.com MX # m#.example.com") + lines(10, "m#.example.com A 203.0.113.#"), ip: "203.0.113.9", want: pass},
	{clause: "4.6.4 If this limit is exceeded, the \"mx\" mechanism MUST produce a \"permerror\"", zone: "v=spf1 mx:x.example.com -all" + lines(11, "x.example.com MX # m#.example.com") + lines(11, "m#.example.com A 203.0.113.#"), ip: "203.0.113.10", want: permerror},
	{clause: "4.6.4 PTR: all records other than the first 10 MUST be ignored", zone: "v=spf1 ptr -all" + lines(10, "192.0.2.1 PTR m#.example.org") + lines(10, "m#.example.org A 192.0.2.1") + "\n192.0.2.1 PTR last.example.com\nlast.example.com A 192.0.2.1", want: fail},
	{clause: "4.6.4 PTR: the tenth isn't", zone: "v=spf1 ptr -all" + lines(9, "192.0.2.1 PTR m#.example.org") + lines(9, "m#.example.org A 192.0.2.1") + "\n192.0.2.1 PTR last.example.com\nlast.example.com A 192.0.2.1", want: pass},

	{clause: "4.6.4 SHOULD limit \"void lookups\" to two", zone: "v=spf1 a:n1.example.com a:n2.example.com -all", want: fail},
	{clause: "4.6.4 Exceeding the limit produces a \"permerror\"", zone: "v=spf1 a:n1.example.com a:n2.example.com a:n3.example.com -all", want: permerror},
	{clause: "4.6.4 RCODE 0 with an answer count of 0", zone: "v=spf1 a:n1.example.com a:n2.example.com a:n3.example.com -all\nn1.example.com NONE\nn2.example.com NONE\nn3.example.com TXT x", want: permerror},
	{clause: "4.6.4 void lookups of mx", zone: "v=spf1 mx:n1.example.com mx:n2.example.com mx:n3.example.com -all", want: permerror},
	{clause: "4.6.4 void lookups of exists", zone: "v=spf1 exists:n1.example.com exists:n2.example.com exists:n3.example.com -all", want: permerror},
	{clause: "4.6.4 void lookups of different terms, and in included records", zone: "v=spf1 a:n1.example.com include:i.example.com -all\ni.example.com TXT v=spf1 mx:n2.example.com exists:n3.example.com", want: permerror},
	{clause: "4.6.4 a name that isn't found twice is two void lookups", zone: "v=spf1 a:n1.example.com a:n1.example.com -all", want: fail},
	{clause: "11.1 the void ones that don't come first", zone: "v=spf1 a:n1.example.com a:bob.example.com a:n2.example.com a:amy.example.com -all", want: fail},
}
