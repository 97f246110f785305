package ratelimit_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/internal/testnet"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/ratelimit"
)

// visits are what clients say, one after the other, a line each; "-" begins another connection while the ones before stay, "TLS" is a handshake.
const visits = `
- EHLO c.test
MAIL FROM:<a@c.test>
RCPT TO:<x@example.test>
RSET
MAIL
MAIL FROM:<@@@>
MAIL FROM:<a@c.test>
RCPT TO:<x@example.test>
RCPT TO:<y@example.test>
RCPT TO:<>
RCPT
RCPT TO:<x@example.test>
RSET
MAIL FROM:<b@c.test>
- EHLO c.test
MAIL FROM:<c@c.test>
STARTTLS
TLS
EHLO c.test
MAIL FROM:<d@c.test>
- EHLO c.test
STARTTLS
TLS
-
- EHLO c.test
STARTTLS
QUIT
-
`

// The same visits have the same answers and warnings at Debian's Postfix and here.
func TestAsPostfix(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Postfix")
	}
	cert, _, err := testnet.Certificate("mx.example.test", time.Now())
	require.NoError(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(cert.Certificates[0].PrivateKey)
	require.NoError(t, err)
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificates[0].Certificate[0]}))
	pf := peers.Postfix(t, `compatibility_level = 3.6
myhostname = mx.example.test
mydestination = example.test
local_recipient_maps =
smtpd_client_connection_count_limit = 3
smtpd_client_connection_rate_limit = 5
smtpd_client_message_rate_limit = 4
smtpd_client_recipient_rate_limit = 3
smtpd_client_new_tls_session_rate_limit = 1
smtpd_client_event_limit_exceptions =
anvil_status_update_time = 1s
smtpd_tls_chain_files = $D/key.pem
smtpd_tls_security_level = may
smtpd_error_sleep_time = 0
`, map[string]string{"key.pem": keyPEM})
	theirs := visit(t, pf.SMTP)
	require.Eventually(t, func() bool { // it tells of the greatest counts once a second
		log, err := os.ReadFile(filepath.Join(pf.Dir, "maillog"))
		return err == nil && strings.Contains(string(log), "max cache size")
	}, 30*time.Second, 20*time.Millisecond)
	pf.Stop()
	log, err := os.ReadFile(filepath.Join(pf.Dir, "maillog"))
	require.NoError(t, err)
	service := strings.NewReplacer("service "+pf.SMTP, "service smtp", "("+pf.SMTP+":", "(smtp:")
	var theirLog []string
	theirForms := map[string]bool{}
	for line := range strings.Lines(string(log)) {
		if i := strings.Index(line, "]: warning: "); i > 0 && strings.Contains(line, "for service") {
			theirLog = append(theirLog, strings.TrimSpace(service.Replace(line[i+3:])))
		}
		if i := strings.Index(line, "]: statistics: "); i > 0 {
			theirForms[form(service.Replace(line[i+3:]))] = true
		}
	}

	var mu sync.Mutex
	var ourLog []string
	var counters ratelimit.Counters
	srv := &smtp.Server{Hostname: "mx.example.test", Greeting: "mx.example.test ESMTP Postfix", TLSConfig: cert, Backend: smtp.Handle(mail.DelivererFunc(func(context.Context, *mail.Envelope, io.Reader) error { return nil })),
		Timeouts: smtp.Timeouts{Error: -1}, Limits: smtp.Limits{ConnectionsPerAddr: -1, MessageSize: 10240000},
		RateLimiter: &ratelimit.Service{Counters: &counters, Name: "smtp", Limits: ratelimit.Limits{
			Connections: 3, ConnectionRate: 5, MessageRate: 4, RecipientRate: 3, TLSRate: 1,
		}, Log: func(line string) {
			mu.Lock()
			defer mu.Unlock()
			ourLog = append(ourLog, line)
		}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	ours := visit(t, l.Addr().String())
	require.NoError(t, srv.Close())
	<-done
	require.Equal(t, theirs, ours)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, theirLog, ourLog)
	m := counters.Maxima()
	require.Len(t, m.Lines(), 6)
	for _, line := range m.Lines() {
		require.True(t, theirForms[form(line)], "%s\n%v", line, theirForms)
	}
}

var numbers = regexp.MustCompile(`(rate|count|size) \d+|127\.0\.0\.\d|\w{3} [ \d]\d \d\d:\d\d:\d\d$`)

// form is a line of statistics without what is counted.
func form(line string) string { return numbers.ReplaceAllString(strings.TrimSpace(line), "$1 …") }

// visit has the conversations and writes them down.
func visit(t *testing.T, addr string) string {
	t.Helper()
	var out strings.Builder
	var c net.Conn
	var r *bufio.Reader
	answer := func() {
		for {
			l, err := r.ReadString('\n')
			if err != nil {
				l = "(gone)\n"
			}
			if strings.HasPrefix(l, "250 CHUNKING") || strings.HasPrefix(l, "250 LIMITS") {
				l = "250 …"
			}
			if len(l) < 4 || l[3] != '-' {
				out.WriteString(strings.TrimRight(l, "\r\n") + "\n")
				return
			}
		}
	}
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}} // whoever waits for Postfix to be there counts as another client
	for line := range strings.Lines(strings.TrimSpace(visits)) {
		line = strings.TrimSuffix(line, "\n")
		out.WriteString("> " + line + "\n")
		if rest, another := strings.CutPrefix(line, "-"); another {
			var err error
			c, err = from.Dial("tcp", addr)
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
			r = bufio.NewReader(c)
			answer()
			if line = strings.TrimSpace(rest); line == "" {
				continue
			}
		}
		if line == "TLS" {
			tc := tls.Client(c, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
			require.NoError(t, tc.Handshake())
			r = bufio.NewReader(tc)
			c = tc
			if strings.Contains(out.String(), "d@c.test") { // the second handshake is too many
				answer()
				answer()
			}
			continue
		}
		fmt.Fprintf(c, "%s\r\n", line)
		answer()
	}
	return out.String()
}
