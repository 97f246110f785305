package spf_test

import (
	"strings"

	"github.com/buuta/mail/smtp/mailauth/authres"
)

// modifierCases: section 6.
var modifierCases = []check{
	{clause: "6.1 the result of this new evaluation is then the result", zone: "v=spf1 redirect=_spf.example.com\n_spf.example.com TXT v=spf1 ~all", want: softfail},
	{clause: "6.1 If all mechanisms fail to match", zone: "v=spf1 redirect=_spf.example.com ip4:192.0.2.1\n_spf.example.com TXT v=spf1 -all", want: pass},
	{clause: "6.1 if no SPF record is found, the result is a \"permerror\" rather than \"none\"", zone: "v=spf1 redirect=nothing.example.com", want: permerror},
	{clause: "6.1 if the <target-name> is malformed, the result is a \"permerror\"", zone: "v=spf1 redirect=a..example.com", want: permerror},
	{clause: "6.1 the newly queried domain can itself specify redirect processing", zone: "v=spf1 redirect=a.example.com\na.example.com TXT v=spf1 redirect=b.example.com\nb.example.com TXT v=spf1 -all", want: fail},
	{clause: "6.1 la.example.com: mail from any of the three domains is described by the same record", zone: "la.example.com TXT v=spf1 redirect=_spf.example.com\n_spf.example.com TXT v=spf1 mx:example.com -all", from: "a@la.example.com", ip: "192.0.2.129", want: pass},
	{clause: "6.1 the <sender> stays the same, <domain> doesn't", zone: "v=spf1 redirect=_spf.example.com\n_spf.example.com TXT v=spf1 exists:%{o}.%{d} -all\nexample.com._spf.example.com A 127.0.0.2", want: pass},
	{clause: "6.1 the <domain-spec> is expanded", zone: "v=spf1 redirect=_spf.%{d}\n_spf.example.com TXT v=spf1 -all", want: fail},
	{clause: "6.1 temperror", zone: "v=spf1 redirect=down.example.com\ndown.example.com FAIL", want: temperror},
	{clause: "6.1 in an included record", zone: "v=spf1 include:a.example.com -all\na.example.com TXT v=spf1 redirect=b.example.com\nb.example.com TXT v=spf1 +all", want: pass},

	{clause: "6.2 a simple, constant message", zone: exp("Mail from example.com should only be sent by its own servers."), want: fail, exp: "Mail from example.com should only be sent by its own servers."},
	{clause: "6.2 a message with a little more information", zone: exp("%{i} is not one of %{d}'s designated mail servers."), want: fail, exp: "192.0.2.1 is not one of example.com's designated mail servers."},
	{clause: "6.2 a complicated example that constructs a URL", zone: exp("See http://%{d}/why.html?s=%{S}&i=%{I}"), want: fail, exp: "See http://example.com/why.html?s=joe%40example.com&i=192.0.2.1"},
	{clause: "6.2 only a \"fail\" has one", zone: "v=spf1 ~all exp=explain._spf.%{d}\nexplain._spf.example.com TXT no", want: softfail},
	{clause: "6.2 due to a mechanism match, whatever its place", zone: "v=spf1 exp=explain._spf.%{d} -ip4:192.0.2.1 +all\nexplain._spf.example.com TXT no", want: fail, exp: "no"},
	{clause: "6.2 If there are any DNS processing errors, proceed as if no \"exp\" modifier was given", zone: "v=spf1 -all exp=down.example.com\ndown.example.com FAIL", want: fail},
	{clause: "6.2 if no records are returned", zone: "v=spf1 -all exp=nothing.example.com", want: fail},
	{clause: "6.2 if more than one record is returned", zone: exp("one") + "\nexplain._spf.example.com TXT two", want: fail},
	{clause: "6.2 if there are syntax errors in the explanation string", zone: exp("%{d is wrong"), want: fail},
	{clause: "6.2 if there are syntax errors in the explanation string", zone: exp("100% wrong"), want: fail},
	{clause: "6.2 the explanation string MUST be limited to [US-ASCII]", zone: exp("bücher"), want: fail},
	{clause: "6.2 an \"exp\" modifier from the <target-name> of an include MUST NOT be used", zone: "v=spf1 include:i.example.com -all\ni.example.com TXT v=spf1 -all exp=explain._spf.example.com\nexplain._spf.example.com TXT theirs", want: fail},
	{clause: "6.2 our own is used when -include matches", zone: "v=spf1 -include:i.example.com exp=ours.%{d}\ni.example.com TXT v=spf1 +all exp=theirs.example.com\nours.example.com TXT ours\ntheirs.example.com TXT theirs", want: fail, exp: "ours"},
	{clause: "6.2 when executing a \"redirect\", an \"exp\" modifier from the original domain MUST NOT be used", zone: "v=spf1 redirect=r.example.com exp=ours.example.com\nr.example.com TXT v=spf1 -all\nours.example.com TXT ours", want: fail},
	{clause: "6.2 the redirected explanation ought to have priority", zone: "v=spf1 redirect=r.example.com exp=ours.example.com\nr.example.com TXT v=spf1 -all exp=e.%{d}\ne.r.example.com TXT of %{d} for %{o}", want: fail, exp: "of r.example.com for example.com"},
	{clause: "6.2 explain-string = *( macro-string / SP ): spaces stay", zone: exp("a  b%_c%-d 5%%"), want: fail, exp: "a  b c%20d 5%",
		why: "pyspf gives up at the last %%; section 7.1 has it among macro-expand"},
	{clause: "7.2 c, r and t are allowed in \"exp\" text", zone: exp("%{c} %{r} %{t}"), want: fail, exp: "192.0.2.1 mx.example.net 1600000000"},
	{clause: "7.3 c of IPv6", zone: exp("%{c}"), ip: "2001:db8::cb01", want: fail, exp: "2001:db8::cb01"},
	{clause: "7.2 the target of exp= is a term argument: no c there", zone: "v=spf1 -all exp=%{c}.example.com", want: permerror},
}

func exp(text string) string {
	return "v=spf1 mx -all exp=explain._spf.%{d}\nexplain._spf.example.com TXT " + text
}

// expands is a case whose macro-string becomes this name.
func expands(clause, spec, name string) check {
	return check{clause: clause + ": " + spec, zone: "email.example.com TXT v=spf1 exists:" + spec + ".x.test -all\n" + name + ".x.test A 127.0.0.2\n192.0.2.3 PTR mx.example.org\nmx.example.org A 192.0.2.3\nmx.example.org AAAA 2001:db8::cb01\n2001:db8::cb01 PTR mx.example.org",
		ip: "192.0.2.3", from: "strong-bad@email.example.com", want: pass}
}

func expands6(clause, spec, name string) check {
	c := expands(clause, spec, name)
	c.ip = "2001:db8::cb01"
	return c
}

func differs(c check, pyspf authres.Code, why string) check {
	c.pyspf, c.why = pyspf, why
	return c
}

// macroCases: section 7.
var macroCases = []check{
	expands("7.4", "%{o}", "email.example.com"),
	expands("7.4", "%{d}", "email.example.com"),
	expands("7.4", "%{d4}", "email.example.com"),
	expands("7.4", "%{d3}", "email.example.com"),
	expands("7.4", "%{d2}", "example.com"),
	expands("7.4", "%{d1}", "com"),
	expands("7.4", "%{dr}", "com.example.email"),
	expands("7.4", "%{d2r}", "example.email"),
	expands("7.4", "%{l}", "strong-bad"),
	expands("7.4", "%{l-}", "strong.bad"),
	expands("7.4", "%{lr}", "strong-bad"),
	expands("7.4", "%{lr-}", "bad.strong"),
	expands("7.4", "%{l1r-}", "strong"),
	expands("7.4 %{s} is strong-bad@email.example.com", "%{s}", "strong-bad@email.example.com"),
	expands("7.4", "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
	expands("7.4", "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
	expands("7.4", "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
	expands("7.4", "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
	expands("7.4", "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
	expands6("7.4 IPv6", "%{ir}.%{v}._spf.%{d2}", "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"),
	expands("7.4 the PTR domain name of the client is mx.example.org", "%{p}", "mx.example.org"),
	expands6("7.4", "%{p}", "mx.example.org"),
	expands("7.2 h is HELO", "%{h}", "mail.example.com"),
	expands("7.3 If the value specifies more parts than are available, all the available parts are used", "%{d127}", "email.example.com"),
	expands("7.3 the list of parts might contain empty strings: rejoined using \".\"", "%{l-}", "strong.bad"),
	expands("7.3 several delimiters: the first part", "%{s1r-+}", "strong"),
	expands("7.1 delimiter: each of them", "%{lr.-+,/_=}", "bad.strong"),
	expands("7.1 macro letters in upper case expand as in lower case, and are URL escaped: nothing here is", "%{D}", "email.example.com"),
	expands("7.3 URL escaping of what is not unreserved", "%{S}", "strong-bad%40email.example.com"),
	differs(expands("7.1 transformers in upper case", "%{dR}", "com.example.email"), fail,
		"pyspf knows \"r\" in lower case alone; section 12: \"literal text strings (those in quotes) are case-insensitive\""),
	{clause: "7.2 p: unknown without a validated name", zone: "v=spf1 exists:%{p}.x.test -all\nunknown.x.test A 127.0.0.2", want: pass},
	{clause: "7.3 p: If the <domain> is present in the list, it SHOULD be used", zone: "v=spf1 exists:%{p}.x.test -all\n192.0.2.1 PTR a.example.com\n192.0.2.1 PTR example.com\nexample.com A 192.0.2.1\na.example.com A 192.0.2.1\nexample.com.x.test A 127.0.0.2", want: pass},
	{clause: "7.3 p: Otherwise, if a subdomain is present, it SHOULD be used", zone: "v=spf1 exists:%{p}.x.test -all\n192.0.2.1 PTR a.example.org\n192.0.2.1 PTR a.example.com\na.example.org A 192.0.2.1\na.example.com A 192.0.2.1\na.example.com.x.test A 127.0.0.2", want: pass},
	{clause: "7.3 -exists:%(ir).sbl.example.org is incorrect", zone: "v=spf1 -exists:%(ir).sbl.example.org ?all", want: permerror},
	{clause: "7.3 the following is legal: -exists:%{ir}.sbl.example.org", zone: "v=spf1 -exists:%{ir}.sbl.example.org ?all\n1.2.0.192.sbl.example.org A 127.0.0.2", want: fail},
	{clause: "7.1 the DIGIT transformer MUST be nonzero (7.3)", zone: "v=spf1 exists:%{d0}.x.test ?all", want: permerror,
		pyspf: neutral, why: "pyspf takes it as no number; section 7.3: \"MUST be nonzero\""},
	{clause: "7.1 macro-letter", zone: "v=spf1 exists:%{a}.x.test ?all", want: permerror},
	{clause: "7.1 a macro has a letter", zone: "v=spf1 exists:%{}.x.test ?all", want: permerror},
	{clause: "7.1 transformers = *DIGIT [ \"r\" ]: in this order", zone: "v=spf1 exists:%{dr2}.x.test ?all", want: permerror,
		pyspf: neutral, why: "pyspf takes any order; not section 7.1"},
	{clause: "7.1 delimiter: not \"@\"", zone: "v=spf1 exists:%{s@}.x.test ?all", want: permerror,
		pyspf: neutral, why: "pyspf takes any delimiter; not section 7.1"},
	{clause: "7.1 a macro ends", zone: "v=spf1 exists:%{d ?all", want: permerror},
	{clause: "7.3 a '%' at the end", zone: "v=spf1 exists:foo.example.com% ?all", want: permerror},
	{clause: "7.2 c is allowed only in \"exp\" text", zone: "v=spf1 exists:%{c}.x.test ?all", want: permerror},
	{clause: "7.2 r is allowed only in \"exp\" text", zone: "v=spf1 exists:%{r}.x.test ?all", want: permerror},
	{clause: "7.2 t is allowed only in \"exp\" text", zone: "v=spf1 exists:%{t}.x.test ?all", want: permerror},
	{clause: "7.3 the values of s, l and o remain the same during recursive evaluations", zone: "v=spf1 include:i.example.com -all\ni.example.com TXT v=spf1 exists:%{l}.%{o}.%{d}\njoe.example.com.i.example.com A 127.0.0.2", want: pass},
	{clause: "7.3 the left side is truncated to fit, by removing successive domain labels", zone: "v=spf1 exists:%{h}.%{h}.%{h}.%{h}.%{h}.%{h}.%{d} -all\n" + truncated + " A 127.0.0.2", helo: fifty, want: pass,
		pyspf: "exception", why: "pyspf looks the name up without truncation, and crashes; section 7.3"},
	{clause: "RFC 8616 section 4: If the local part contains non-ASCII characters, terms that include %{s} or %{l} do not match anything", zone: "v=spf1 exists:%{l}.x.test -exists:%{s}.x.test ~all\nxn--r8jz45g.x.test A 127.0.0.2", from: "例え@example.com", want: softfail,
		pyspf: pass, why: "pyspf looks the name up as IDNA; RFC 8616 section 4"},
	{clause: "RFC 8616 section 4: include:%{l} does not match either", zone: "v=spf1 include:%{l}.x.test ~all", from: "例え@example.com", want: softfail,
		pyspf: permerror, why: "pyspf looks for the record, and finds none"},
}

const fifty = "a123456789012345678901234567890123456789.example.com" // 53 octets with a dot behind it

// Six times the name and "example.com" are 329 octets, and 235 once the first label of the second name is gone.
var truncated = "example.com." + strings.Repeat(fifty+".", 4) + "example.com"
