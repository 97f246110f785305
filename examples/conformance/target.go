package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/buuta/mail/examples/conformance/script"
)

// target is what the flags say of the server.
type target struct {
	addrs            map[script.Protocol]*string
	user, pass       string
	passFile         string
	from, to, hello  string
	name             string
	ca               string
	insecure, noTLS  bool
	security, stress bool
	timeout          time.Duration
}

// ports are the usual ones, and those of connections with TLS from the beginning.
var ports = map[script.Protocol]struct{ usual, tls string }{
	script.SMTP: {"25", "465"}, script.LMTP: {"24", ""}, script.IMAP: {"143", "993"}, script.POP3: {"110", "995"},
	script.POP2: {"109", ""}, script.ManageSieve: {"4190", ""},
}

func (t *target) flags(f *flag.FlagSet) {
	t.addrs = map[script.Protocol]*string{}
	for p, port := range ports {
		usage := "`host[:port]` of the server for " + string(p) + ", port " + port.usual
		if port.tls != "" {
			usage += "; at port " + port.tls + " it speaks TLS"
		}
		t.addrs[p] = f.String(string(p), "", usage)
	}
	f.StringVar(&t.user, "user", "", "`name` to log in with")
	f.StringVar(&t.pass, "pass", os.Getenv("CONFORMANCE_PASS"), "`password`; better in the environment as CONFORMANCE_PASS, or in -passfile")
	f.StringVar(&t.passFile, "passfile", "", "`file` with the password")
	f.StringVar(&t.from, "from", "", "sender of messages; \"\" is the empty one")
	f.StringVar(&t.to, "to", "", "`address` of the user that SMTP and LMTP deliver to")
	f.StringVar(&t.hello, "hello", "", "`name` to say in EHLO; without it, this machine's address")
	f.StringVar(&t.name, "name", "", "`name` of a server that the dialogues know: buuta, postfix, dovecot, cyrus, courier, exim, opensmtpd")
	f.StringVar(&t.ca, "ca", "", "`file` with the certificates to trust, instead of this machine's")
	f.BoolVar(&t.insecure, "insecure", false, "trust any certificate")
	f.BoolVar(&t.noTLS, "notls", false, "never begin TLS where it isn't there from the beginning")
	f.BoolVar(&t.security, "security", false, "try what attackers try too")
	f.BoolVar(&t.stress, "stress", false, "try what costs the server work too")
	f.DurationVar(&t.timeout, "timeout", 10*time.Second, "how long an answer may take")
}

func (t *target) target() (*script.Target, error) {
	out := &script.Target{Name: t.name, User: t.user, Password: t.pass, From: t.from, To: t.to, Hello: t.hello,
		Timeout: t.timeout, Security: t.security, Stress: t.stress, Dial: map[script.Protocol]script.Dialer{}}
	if t.passFile != "" {
		b, err := os.ReadFile(t.passFile)
		if err != nil {
			return nil, err
		}
		out.Password = strings.TrimRight(string(b), "\r\n")
	}
	if strings.ContainsAny(t.user+out.Password+t.from+t.to+t.hello, "\r\n\x00") {
		return nil, errors.New("names, addresses and the password have no line ends")
	}
	cfg := &tls.Config{InsecureSkipVerify: t.insecure}
	if t.ca != "" {
		pem, err := os.ReadFile(t.ca)
		if err != nil {
			return nil, err
		}
		if cfg.RootCAs = x509.NewCertPool(); !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificates", t.ca)
		}
	}
	for p, addr := range t.addrs {
		if *addr == "" {
			continue
		}
		host, port, err := net.SplitHostPort(*addr)
		if err != nil {
			host, port = strings.Trim(*addr, "[]"), ports[p].usual
		}
		cfg.ServerName = cmp.Or(cfg.ServerName, host)
		out.Dial[p] = dialer(net.JoinHostPort(host, port), port == ports[p].tls, cfg, t.timeout)
	}
	switch {
	case len(out.Dial) == 0:
		return nil, errors.New("no server: -smtp, -lmtp, -imap, -pop3, -pop2 or -managesieve (-help tells more)")
	case t.user == "" && (out.Dial[script.IMAP] != nil || out.Dial[script.POP3] != nil || out.Dial[script.ManageSieve] != nil):
		return nil, errors.New("-imap, -pop3 and -managesieve need -user and -pass")
	}
	if !t.noTLS {
		out.TLS = cfg
	}
	return out, nil
}

// dialer connects, with TLS from the beginning where it is said so.
func dialer(addr string, secure bool, cfg *tls.Config, timeout time.Duration) script.Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		d := &net.Dialer{Timeout: timeout}
		if secure {
			return (&tls.Dialer{NetDialer: d, Config: cfg}).DialContext(ctx, "tcp", addr)
		}
		return d.DialContext(ctx, "tcp", addr)
	}
}
