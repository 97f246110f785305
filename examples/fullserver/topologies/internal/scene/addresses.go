package scene

import "strings"

// Addresses makes recipients by rule: each domain with users that it has and hasn't, in all the ways of RFC 5321 and before it, and what is no
// address. Here is the server's own address literal; elsewhere are a user and domain that it has nothing to do with.
func Addresses(here string, domains, users []string) []string {
	const user, elsewhere = "friend", "example.org"
	var out []string
	for i, d := range domains {
		u := users[i%len(users)]
		for _, l := range []string{
			u, strings.ToUpper(u), u + "+news", u + "+", "+news", "nobody", "nobody+news", "postmaster", "PostMaster", "abuse", "root", "all", "info", "owner-all", "all-request", "mailer-daemon",
			`"` + u + `"`, `"two words"`, `"a\"quote"`, `"with@sign"`, `"` + user + "@" + elsewhere + `"`, user + "%" + elsewhere, elsewhere + "!" + user, user + "%" + elsewhere + "%" + d, "a!b!" + user,
			"-" + u, "." + u, u + ".", "two..dots", "x'y", "x&y=z", "{x}|y", "ünïcode", strings.Repeat("l", 64), strings.Repeat("l", 65),
		} {
			out = append(out, l+"@"+d)
		}
		out = append(out, "@"+d+":"+user+"@"+elsewhere, "@"+elsewhere+":"+u+"@"+d, "@"+elsewhere+",@"+d+":"+u+"@"+d, u+"@"+strings.ToUpper(d), u+"@"+d+".", u+"@sub."+d, u+"@"+elsewhere+"@"+d, u+"@@"+d, "@"+d)
	}
	u := users[0]
	return append(out, "", u, u+"+news", strings.ToUpper(u), "nobody", "postmaster", "Postmaster", "abuse", "root", "all", user+"%"+elsewhere, elsewhere+"!"+user, `"`+user+"@"+elsewhere+`"`, "@", u+"@", u+"@.", u+"@"+here, "nobody@"+here,
		"postmaster@"+here, u+"@[198.51.100.25]", u+"@[IPv6:2001:db8::1]", u+"@[nonsense]", u+"@[]", u+"@"+strings.Trim(here, "[]"), u+"@localhost", u+"@nodot", u+"@bad_name.example", u+"@-bad.example", u+"@two..dots.example",
		user+"@"+elsewhere, "friend+x@EXAMPLE.org", user+"@xn--mnchen-3ya.example", user+"@münchen.example", "ünïcode@"+elsewhere, strings.Repeat("l", 300)+"@"+elsewhere, u+"@"+strings.Repeat("d", 64)+".example", u+"@"+strings.Repeat("d.", 130)+"example",
		"two words@"+elsewhere, "a b", "<>", "a,b@"+elsewhere, "(comment)"+user+"@"+elsewhere)
}
