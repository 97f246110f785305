package dsn

import (
	"strings"

	"github.com/buuta/mail"
)

// statusOf reads a reason: a status code that stands in it, else a reply code with what its words mean. how is the
// confidence that goes with it.
func statusOf(reason string, action Action) (code mail.EnhancedCode, how float64) {
	class := 5
	if action == Delayed {
		class = 4
	}
	if code, ok := enhancedCode(reason); ok {
		if action == Delayed {
			code[0] = 4
		}
		return code, 0.9
	}
	if n := replyCode(reason); n/100 == 4 && action != Failed {
		class = 4
	}
	if strings.TrimSpace(reason) == "" {
		return mail.EnhancedCode{class, 0, 0}, 0.5
	}
	low := strings.ToLower(reason)
	for _, m := range meanings() {
		for _, w := range m.words {
			if strings.Contains(low, w) {
				return mail.EnhancedCode{class, m.subject, m.detail}, 0.7
			}
		}
	}
	return mail.EnhancedCode{class, 0, 0}, 0.6
}

type meaning struct {
	subject, detail int
	words           []string
}

// meanings maps the words of reasons to the codes of RFC 3463.
func meanings() []meaning {
	return []meaning{
		{2, 2, []string{"mailbox full", "mailbox is full", "over quota", "quota exceeded", "overquota", "exceeded storage", "disk quota", "out of storage"}},
		{2, 1, []string{"account is disabled", "account disabled", "mailbox disabled", "account has been disabled", "inactive", "suspended"}},
		{1, 1, []string{
			"user unknown", "unknown user", "no such user", "no mailbox here", "unknown recipient", "recipient unknown", "mailbox unavailable", "does not exist", "doesn't exist", "doesn't have a",
			"couldn't be found", "could not be found", "recipient not found", "no such recipient", "address rejected", "not found by smtp address lookup", "unknown or illegal alias", "invalid recipient",
		}},
		{1, 2, []string{"unrouteable address", "unrouteable mail domain", "host unknown", "name or service not known", "couldn't find any host", "domain not found", "domain couldn't be found", "host or domain name not found", "nxdomain"}},
		{3, 4, []string{"too large", "too big", "size limit", "exceeds the maximum", "message size"}},
		{7, 1, []string{"spam", "blocked", "blacklist", "blocklist", "policy", "access denied", "relay", "not authorized", "rejected for"}},
		{4, 1, []string{"connection refused", "timed out", "timeout", "no route to host", "connection dropped", "unable to establish", "connect to"}},
	}
}

// enhancedCode finds "5.1.1" that is not part of an IP address or a version. The last one counts: a reason tells
// what happened last at its end.
func enhancedCode(s string) (code mail.EnhancedCode, ok bool) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < '0' || c > '9' || i > 0 && (isDigit(s[i-1]) || s[i-1] == '.' || isLetter(s[i-1]) || s[i-1] == '-') {
			continue
		}
		var got mail.EnhancedCode
		at, good := i, s[i] == '2' || s[i] == '4' || s[i] == '5'
		for part := 0; part < 3 && good; part++ {
			digits := 0
			for at < len(s) && isDigit(s[at]) && digits < 4 {
				got[part] = got[part]*10 + int(s[at]-'0')
				at++
				digits++
			}
			good = digits > 0 && digits < 4 && (part > 0 || digits == 1)
			if part < 2 {
				good = good && at < len(s) && s[at] == '.'
				at++
			}
		}
		if good && (at >= len(s) || !isDigit(s[at]) && !isLetter(s[at]) && (s[at] != '.' || at+1 >= len(s) || !isDigit(s[at+1]))) {
			code, ok = got, true
		}
	}
	return code, ok
}

// replyCode finds an SMTP reply code of failure: three digits with a blank, "-" or "#" beside; 0 for none.
func replyCode(s string) int {
	for i := 0; i+3 < len(s); i++ {
		if (s[i] == '4' || s[i] == '5') && isDigit(s[i+1]) && s[i+1] <= '5' && isDigit(s[i+2]) && (s[i+3] == ' ' || s[i+3] == '-') &&
			(i == 0 || strings.IndexByte(" \t\n#:'\"(;", s[i-1]) >= 0) {
			return int(s[i]-'0')*100 + int(s[i+1]-'0')*10 + int(s[i+2]-'0')
		}
	}
	return 0
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// remoteHost finds "host name[address]", as Postfix and Exim name who answered.
func remoteHost(s string) string {
	_, rest, ok := strings.Cut(s, "host ")
	if !ok {
		return ""
	}
	name, rest, ok := strings.Cut(rest, "[")
	ip, _, closed := strings.Cut(rest, "]")
	name = strings.TrimSpace(name)
	if !ok || !closed || name == "" || strings.ContainsAny(name, " \t:;,<>") || len(name) > 255 || len(ip) > 45 || strings.ContainsAny(ip, " <>") {
		return ""
	}
	return name + "[" + ip + "]"
}
