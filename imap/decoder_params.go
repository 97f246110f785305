package imap

import (
	"strings"

	"github.com/buuta/mail/mime"
)

// joinParams puts parameters together that a server has left as they stand in the message: "Servers SHOULD decode parameter-value
// continuations and parameter-value character sets as described in [RFC2231]" (RFC 9051 section 7.5.2), which Dovecot doesn't.
// raw is name and value in turns. What is no such thing stays as it is.
func joinParams(raw []string) []mime.Param {
	out := make([]mime.Param, 0, len(raw)/2)
	encoded := "x"
	for i := 0; i < len(raw); i += 2 {
		name, value := raw[i], raw[i+1]
		if encodedParam(name, value) {
			if strings.HasSuffix(name, "*") { // percent-encoding has no quotes around it
				encoded += "; " + name + "=" + value
			} else {
				encoded += "; " + name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
			}
			continue
		}
		p := mime.Param{Value: value}
		p.Name, p.Extended = strings.CutSuffix(name, "*")
		out = append(out, p)
	}
	if encoded == "x" {
		return out
	}
	d, _ := mime.ParseDisposition(encoded) // what can't be read is left out
next:
	for _, p := range d.Params {
		for i := range out {
			if out[i].Name == p.Name { // a plain one beside it is for who can't read this one
				out[i] = p
				continue next
			}
		}
		out = append(out, p)
	}
	return out
}

// encodedParam reports whether a parameter is a piece of a value, or percent-encoded with its charset before it: "name*0",
// "name*1*", or "name*" with "utf-8'vi't%E1…".
func encodedParam(name, value string) bool {
	base, rest, ok := strings.Cut(name, "*")
	if !ok || base == "" {
		return false
	}
	number := strings.TrimSuffix(rest, "*")
	if number != "" {
		return strings.Trim(number, "0123456789") == "" && (number == rest || percentText(value))
	}
	return strings.Count(value, "'") >= 2 && percentText(value)
}

// percentText reports whether a text can be percent-encoded: a token, with "%" before hexadecimal digits only.
func percentText(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
		if c == '%' && (i+2 >= len(s) || strings.Trim(s[i+1:i+3], "0123456789abcdefABCDEF") != "") {
			return false
		}
	}
	return s != ""
}
