package restrict

import (
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

var configDSN = mail.EnhancedCode{4, 3, 5}

// action does what a table or a policy server answers (access(5), ACTIONS). what and kind are what replies are about.
func (s *stage) action(value, what, kind string, depth int) verdict {
	value = strings.TrimSpace(value)
	word, text, _ := strings.Cut(value, " ")
	text = strings.TrimSpace(text)
	said := func(def string) string {
		if text == "" {
			return def
		}
		return text
	}
	if n, err := strconv.Atoi(word); err == nil && len(word) == 3 && n >= 400 && n < 600 {
		dsn, rest := dsnOf(n, text)
		if rest == "" {
			rest = "Access denied"
		}
		return s.refuse(n, about(dsn, kind), what, kind, rest)
	}
	if word != "" && strings.Trim(word, "0123456789") == "" && text == "" {
		return permit // what a table of pop-before-smtp holds
	}
	reply := func(n int, dsn mail.EnhancedCode) (int, mail.EnhancedCode, string) {
		d, rest := dsnOf(n, text)
		if text == "" || d == defaultDSN(n) {
			d = dsn
		}
		if rest == "" {
			rest = "Access denied"
		}
		return n, about(d, kind), rest
	}
	word = strings.ToUpper(word)
	if s.k.Proxy && (word == "HOLD" || word == "DISCARD" || word == "FILTER" || word == "REDIRECT" || word == "BCC") {
		s.log("warning: with smtpd_proxy_filter specified, action " + word + " is unavailable")
		return dunno
	}
	switch word {
	case "OK":
		return permit
	case "DUNNO":
		return dunno
	case "REJECT":
		n, dsn, rest := reply(code(s.k.Codes.Access, 554), policyDSN)
		return s.refuse(n, dsn, what, kind, rest)
	case "DEFER":
		n, dsn, rest := reply(code(s.k.Codes.AccessDefer, 450), laterDSN)
		return s.refuse(n, dsn, what, kind, rest)
	case "DEFER_IF_PERMIT":
		n, dsn, rest := reply(450, laterDSN)
		if text == "" {
			rest = "Service unavailable"
		}
		return s.later(n, dsn, what, kind, rest)
	case "DEFER_IF_REJECT":
		n, dsn, rest := reply(450, laterDSN)
		if text == "" {
			rest = "Service unavailable"
		}
		if s.ifReject == nil {
			s.ifReject = s.k.reply(n, dsn, "<"+what+">: "+kind+" rejected: "+rest)
		}
		return dunno
	case "PREPEND":
		if text == "" || !strings.Contains(text, ":") {
			return s.broken("PREPEND without a header field: " + value)
		}
		s.Message.Prepend = append(s.Message.Prepend, text)
		return dunno
	case "HOLD":
		s.Message.Hold = said("hold")
		s.log("hold: <" + what + ">: " + kind + " triggers HOLD action: " + text)
		return dunno
	case "DISCARD":
		s.Message.Discard = said("discard")
		s.log("discard: <" + what + ">: " + kind + " triggers DISCARD action: " + text)
		return permit
	case "FILTER":
		if !strings.Contains(text, ":") {
			return s.broken("FILTER needs transport:destination: " + value)
		}
		s.Message.Filter = text
		s.log("filter: <" + what + ">: " + kind + " triggers FILTER " + text)
		return dunno
	case "REDIRECT":
		if !strings.Contains(text, "@") {
			return s.broken("REDIRECT needs user@domain: " + value)
		}
		s.Message.Redirect = text
		return dunno
	case "BCC":
		if !strings.Contains(text, "@") {
			return s.broken("BCC needs user@domain: " + value)
		}
		s.Message.BCC = append(s.Message.BCC, text)
		return dunno
	case "INFO", "WARN":
		s.log(strings.ToLower(word) + ": <" + what + ">: " + kind + ": " + text)
		return dunno
	}
	rules, err := s.k.parse(s.ctx, "answer", value, nil)
	if err != nil {
		return s.broken("table: " + err.Error())
	}
	return s.rules(rules, depth+1)
}

func defaultDSN(n int) mail.EnhancedCode { return mail.EnhancedCode{n / 100, 7, 1} }

// dsnOf takes a code such as 5.7.9 from the beginning of a text.
func dsnOf(n int, text string) (mail.EnhancedCode, string) {
	word, rest, _ := strings.Cut(text, " ")
	var d mail.EnhancedCode
	parts := strings.Split(word, ".")
	if len(parts) != 3 {
		return defaultDSN(n), text
	}
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 10)
		if err != nil || v > 999 {
			return defaultDSN(n), text
		}
		d[i] = int(v)
	}
	if d[0] != 4 && d[0] != 5 {
		return defaultDSN(n), text
	}
	return d, strings.TrimSpace(rest)
}

// about turns a code about recipients into the one about senders.
func about(d mail.EnhancedCode, kind string) mail.EnhancedCode {
	if kind != kindSender || d[1] != 1 {
		return d
	}
	switch d[2] {
	case 1, 3:
		d[2] = 7
	case 2:
		d[2] = 8
	}
	return d
}
