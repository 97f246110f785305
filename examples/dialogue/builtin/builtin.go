// Package builtin is a world of mail in one process, to learn with: a mail server at which messages are handed in, and one of the recipients'
// to which it sends them over the loopback. Neither reaches out: the name server is a table, and all connections go to the other one.
// What they keep is in a folder that goes with them.
package builtin

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
)

// Who is there.
const (
	Near     = "ubuntu.localdomain"         // the server at which messages are handed in
	Far      = "gmail-smtp-in.l.google.com" // the server of all others
	Sender   = "trunghq@ubuntu.localdomain"
	Receiver = "haquoctrung@gmail.com"
	Password = "secret" // of both
)

// farAddress is what the table of names says of the recipients' server. Nothing is sent there.
var farAddress = netip.MustParseAddr("209.85.222.80")

// noDomain is not there, for lessons about that.
const noDomain = "nowhere.example"

// World is both servers, running.
type World struct {
	dir       string
	near, far *server.Server
	stop      context.CancelFunc
	done      chan error
}

// Start starts them. log gets the lines of their logs as they are written, from several goroutines; nil: nobody does. Close the world.
func Start(log func(line string)) (*World, error) {
	dir, err := os.MkdirTemp("", "dialogue")
	if err != nil {
		return nil, err
	}
	w := &World{dir: dir, stop: func() {}, done: make(chan error, 2)}
	if err := w.start(log); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *World) start(log func(string)) error {
	users := filepath.Join(w.dir, "users")
	lines := Sender + ":{PLAIN}" + Password + "\n" + Receiver + ":{PLAIN}" + Password + "\nan@example.org:{PLAIN}" + Password + "\nbinh@example.org:{PLAIN}" + Password + "\n"
	if err := os.WriteFile(users, []byte(lines), 0o600); err != nil {
		return err
	}
	common := []string{"passwd_file=" + users, "maillog_file=", "mail_auth_check=no", "auth_failure_delay=0", "smtpd_peername_lookup=no", "disable_plaintext_auth=no"}
	const any = "127.0.0.1:0"
	far, err := w.open("far", log, append(common, "myhostname="+Far, "mydomain=gmail.com", "mydestination=", "virtual_mailbox_domains=gmail.com,example.org,"+strings.ToLower(Near),
		"smtp_listen="+any, "lmtp_listen="+any, "imap_listen="+any, "pop3_listen="+any, "pop2_listen="+any, "mynetworks=127.0.0.9/32"))
	if err != nil {
		return err
	}
	w.far = far
	near, err := w.open("near", log, append(common, "myhostname="+Near, "mydomain=localdomain", "mydestination=localhost", "virtual_mailbox_domains="+Near,
		"virtual_transport=lmtp:inet:"+far.Addrs("lmtp_listen")[0].String(), "smtpd_banner=$myhostname ESMTP Postfix (Ubuntu)", "smtp_listen="+any))
	if err != nil {
		return err
	}
	w.near = near
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	for _, s := range []*server.Server{w.far, w.near} {
		go func() { w.done <- s.Serve(ctx, nil) }()
	}
	return nil
}

func (w *World) open(name string, log func(string), params []string) (*server.Server, error) {
	dir := filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	c, err := config.Load(config.Options{Overrides: append(params, "data_directory="+dir, "mail_location=maildir:"+dir+"/mail/%d/%n", "submission_listen=")})
	if err != nil {
		return nil, err
	}
	return server.Open(c, server.Options{Stderr: &lines{to: log}, Resolver: names{}, Dial: w.dial})
}

// dial connects to what the table of names leads to: the recipients' server, and what listens on this machine.
func (w *World) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return d.DialContext(ctx, network, addr)
	}
	c, err := d.DialContext(ctx, "tcp", w.far.Addrs("smtp_listen")[0].String())
	if err != nil {
		return nil, err
	}
	return away{c}, nil
}

// away is a connection that is as far away as the table of names says.
type away struct{ net.Conn }

func (away) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.AddrPortFrom(farAddress, 25)) }

// Addr is where a protocol is spoken: SMTP with the server that messages are handed in at, the others with the recipients'.
func (w *World) Addr(p explain.Protocol) string {
	s, param := w.far, string(p)+"_listen"
	if p == explain.SMTP {
		s = w.near
	}
	return s.Addrs(param)[0].String()
}

// TLS is for clients: the servers' certificates are of their own making, and who asks is on the same machine.
func (w *World) TLS() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// Close ends the servers and removes what they kept.
func (w *World) Close() error {
	w.stop()
	var errs []error
	switch {
	case w.near != nil:
		errs = append(errs, <-w.done, <-w.done)
	case w.far != nil:
		errs = append(errs, w.far.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(w.dir))...)
}

// names is the table: mail for every domain goes to the recipients' server.
type names struct{}

func (names) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if strings.TrimSuffix(strings.ToLower(name), ".") == noDomain {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return []*net.MX{{Host: Far + ".", Pref: 5}}, nil
}

func (names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if strings.TrimSuffix(strings.ToLower(host), ".") != Far {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{farAddress}, nil
}

func (names) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// lines cuts a log into lines.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
	to  func(string)
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(p)
	for {
		i := bytes.IndexByte(l.buf.Bytes(), '\n')
		if i < 0 {
			return len(p), nil
		}
		if line := string(l.buf.Next(i + 1)[:i]); l.to != nil {
			l.to(line)
		}
	}
}

// Hint says how to begin with a protocol, as lines to type.
func Hint(p explain.Protocol) []string {
	switch p {
	case explain.POP3:
		return []string{"USER " + Receiver, "PASS " + Password, "STAT", "LIST", "RETR 1", "QUIT"}
	case explain.POP2:
		return []string{fmt.Sprintf("HELO %s %s", Receiver, Password), "READ", "RETR", "ACKS", "QUIT"}
	case explain.IMAP:
		return []string{fmt.Sprintf("a1 LOGIN %s %s", Receiver, Password), "a2 SELECT INBOX", "a3 FETCH 1 (FLAGS BODY[])", "a4 LOGOUT"}
	case explain.LMTP:
		return []string{"LHLO trunghq.com", "MAIL FROM:<" + Sender + ">", "RCPT TO:<" + Receiver + ">", "DATA", "Subject: xin chao", "", "Chao ban.", ".", "QUIT"}
	}
	return []string{"HELO trunghq.com", "MAIL FROM:<" + Sender + ">", "RCPT TO:<" + Receiver + ">", "DATA", "Subject: Thu gui thu tu telnet", "", "Day la mot buc thu gui tu telnet", ".", "QUIT"}
}
