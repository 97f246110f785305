package intake

import (
	"crypto/tls"
	"net"
	"strconv"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/clientcert"
)

// mailParams and rcptParams are the parameters of MAIL and RCPT as milters are told them.
func mailParams(o *mail.MailOptions) (out []string) {
	if o.Size > 0 {
		out = append(out, "SIZE="+strconv.FormatInt(o.Size, 10))
	}
	if o.Body != "" {
		out = append(out, "BODY="+string(o.Body))
	}
	if o.UTF8 {
		out = append(out, "SMTPUTF8")
	}
	return out
}

func rcptParams(o *mail.RcptOptions) (out []string) {
	if o.Notify == mail.NotifyNever {
		out = append(out, "NOTIFY=NEVER")
	}
	if o.OriginalRecipient != "" {
		out = append(out, "ORCPT="+o.OriginalRecipient)
	}
	return out
}

// macro is the value of a macro (MILTER_README).
func (f *filtering) macro(name string) string {
	c, b := f.s.c, f.s.b
	tcp, _ := c.RemoteAddr().(*net.TCPAddr)
	client := c.ClientName()
	if client == "" {
		client = "unknown"
	}
	switch name {
	case "j":
		return b.Hostname
	case "v":
		return b.MilterVersion
	case "{daemon_name}":
		return b.MilterDaemon
	case "{daemon_addr}", "{if_addr}":
		if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
			return a.IP.String()
		}
	case "{daemon_port}":
		if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
			return strconv.Itoa(a.Port)
		}
	case "_":
		if tcp == nil {
			return "localhost"
		}
		return client + " [" + tcp.IP.String() + "]"
	case "{client_addr}":
		if tcp != nil {
			return tcp.IP.String()
		}
	case "{client_port}":
		if tcp != nil {
			return strconv.Itoa(tcp.Port)
		}
	case "{client_name}", "{client_ptr}":
		return client
	case "{client_resolve}":
		if client == "unknown" {
			return "FAIL"
		}
		return "OK"
	case "{auth_type}":
		return c.Mechanism()
	case "{auth_authen}":
		if id := c.Identity(); id != nil {
			return id.Username
		}
	case "i":
		if f.t != nil {
			return f.t.msg.ID
		}
	case "{mail_addr}", "{rcpt_addr}":
		return f.address
	case "{mail_mailer}", "{rcpt_mailer}":
		return f.mailer
	case "{mail_host}", "{rcpt_host}":
		return f.host
	default:
		return f.tlsMacro(name)
	}
	return ""
}

// tlsMacro is a macro about encryption.
func (f *filtering) tlsMacro(name string) string {
	state := f.s.c.TLS()
	if state == nil {
		return ""
	}
	switch name {
	case "{tls_version}":
		return clientcert.Version(state)
	case "{cipher}":
		return tls.CipherSuiteName(state.CipherSuite)
	case "{cipher_bits}":
		return strconv.Itoa(clientcert.Bits(state.CipherSuite))
	case "{cert_subject}":
		if len(state.PeerCertificates) > 0 {
			return state.PeerCertificates[0].Subject.CommonName
		}
	case "{cert_issuer}":
		if len(state.PeerCertificates) > 0 {
			return state.PeerCertificates[0].Issuer.CommonName
		}
	}
	return ""
}
