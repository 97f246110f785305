package smtp

import (
	"crypto/tls"
	"strings"
	"time"
)

// Received is the trace field that a server puts on top of a message (RFC 5321 section 4.4), in the form that Postfix
// gives it. Fields that are "" are left out. Values must be of one line; control characters in them become "?".
type Received struct {
	Hello    string // what the client called itself
	Name     string // the client's host name, "" for unknown
	Addr     string // the client's IP address; "" for a client without one
	By       string // this server
	Software string // in parentheses behind By: "Postfix"
	Protocol string // "ESMTPS", see Conn.Protocol
	ID       string // the queue id
	For      string // the recipient, if there is only one
	User     string // the authenticated sender
	TLS      *tls.ConnectionState
	Time     time.Time
}

// Received returns the field for a message that the client is sending now, without ID, For, Software and User.
func (c *Conn) Received() *Received {
	return &Received{
		Hello: c.hello, Name: c.clientName, Addr: c.RemoteIP(), By: c.srv.host(), Protocol: c.Protocol(), TLS: c.tls, Time: c.srv.now(),
	}
}

// String writes the field with its CRLF.
func (r *Received) String() string { return string(r.Append(nil)) }

// Append appends the field with its CRLF, folded as Postfix folds it:
//
//	Received: from mail.example.org (unknown [192.0.2.1])
//		(using TLSv1.3 with cipher TLS_AES_128_GCM_SHA256)
//		(Client CN "mail.example.org", Issuer "Example CA" (verified OK))
//		by mx.example.net (Postfix) with ESMTPS id 913E010089F
//		for <alice@example.net>; Tue, 01 Sep 2026 10:00:00 +0700
func (r *Received) Append(b []byte) []byte {
	hello, name := r.Hello, r.Name
	if name == "" {
		name = "unknown"
	}
	if hello == "" {
		hello = name
	}
	b = append(b, "Received: from "...)
	b = appendClean(b, hello)
	if r.Addr != "" {
		b = append(b, " ("...)
		b = appendClean(b, name)
		b = append(b, " ["...)
		if strings.Contains(r.Addr, ":") {
			b = append(b, "IPv6:"...)
		}
		b = appendClean(b, r.Addr)
		b = append(b, "])"...)
	}
	if r.TLS != nil {
		b = append(b, "\r\n\t(using "...)
		b = append(b, strings.Replace(tls.VersionName(r.TLS.Version), "TLS ", "TLSv", 1)...)
		b = append(b, " with cipher "...)
		b = append(b, tls.CipherSuiteName(r.TLS.CipherSuite)...)
		b = append(b, ')')
		if len(r.TLS.PeerCertificates) > 0 {
			leaf, verdict := r.TLS.PeerCertificates[0], `" (not verified))`
			if len(r.TLS.VerifiedChains) > 0 {
				verdict = `" (verified OK))`
			}
			b = append(b, "\r\n\t(Client CN \""...)
			b = appendComment(b, leaf.Subject.CommonName)
			b = append(b, `", Issuer "`...)
			b = appendComment(b, leaf.Issuer.CommonName)
			b = append(b, verdict...)
		}
	}
	if r.User != "" {
		b = append(b, "\r\n\t(Authenticated sender: "...)
		b = appendComment(b, r.User)
		b = append(b, ')')
	}
	b = append(b, "\r\n\tby "...)
	b = appendClean(b, r.By)
	if r.Software != "" {
		b = append(b, " ("...)
		b = appendComment(b, r.Software)
		b = append(b, ')')
	}
	if r.Protocol != "" {
		b = append(b, " with "...)
		b = appendClean(b, r.Protocol)
	}
	if r.ID != "" {
		b = append(b, " id "...)
		b = appendClean(b, r.ID)
	}
	if r.For != "" {
		b = append(b, "\r\n\tfor <"...)
		b = appendClean(b, r.For)
		b = append(b, ">; "...)
	} else {
		b = append(b, ";\r\n\t"...)
	}
	b = r.Time.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 -0700 (MST)")
	return append(b, '\r', '\n')
}

func appendClean(b []byte, s string) []byte { return appendText(b, s, len(s)) }

// appendComment appends s as the content of a comment (RFC 5322 section 3.2.2).
func appendComment(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c == '(' || c == ')' || c == '\\' {
			b = append(b, '\\')
		}
		b = appendClean(b, s[i:i+1])
	}
	return b
}
