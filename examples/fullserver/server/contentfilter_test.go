package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scanner is a content filter: it notes what it is told, refuses what has "X-Virus:" in it, adds a header field, and hands the message on to next.
type scanner struct {
	t    *testing.T
	addr string
	mu   sync.Mutex
	next string
	told []string
	srv  *smtp.Server
}

func newScanner(t *testing.T) *scanner {
	s := &scanner{t: t}
	s.srv = &smtp.Server{Hostname: "scanner.test", Backend: smtp.BackendFunc(func(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
		return &scanning{Deliverer: mail.DelivererFunc(func(ctx context.Context, env *mail.Envelope, r io.Reader) error { return s.scan(ctx, c, env, r) })}, nil
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = l.Addr().String()
	var all sync.WaitGroup
	all.Go(func() { assert.ErrorIs(t, s.srv.Serve(l), smtp.ErrServerClosed) })
	t.Cleanup(func() { _ = s.srv.Close(); all.Wait() })
	return s
}

// scanning is a session with a scanner.
type scanning struct{ mail.Deliverer }

func (*scanning) Close() error { return nil }

func (s *scanner) scan(ctx context.Context, c *smtp.Conn, env *mail.Envelope, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	text := string(b)
	s.mu.Lock()
	var to []string
	for _, r := range env.Recipients {
		to = append(to, r.Address)
	}
	slices.Sort(to)
	s.told = append(s.told, fmt.Sprintf("helo=%s from=<%s> to=%v body=%s\n%s", c.Hello(), env.From, to, env.Options.Body, plainText(text)))
	next := s.next
	s.mu.Unlock()
	if strings.Contains(text, "X-Virus:") {
		return smtp.NewReply(550, smtp.EnhancedCode{5, 7, 1}, "infected")
	}
	on, err := smtp.Dial(ctx, next, &smtp.ClientOptions{LocalName: "scanner.test", TLS: smtp.TLSNone})
	if err != nil {
		return err
	}
	defer on.Quit(ctx)
	results, err := on.Send(ctx, env, strings.NewReader("X-Scanned: yes\r\n"+text))
	if err != nil {
		return err
	}
	if r := mail.Combine(results); !r.OK() {
		return r
	}
	return nil
}

func (s *scanner) take() (told []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	told, s.told = s.told, nil
	return told
}

// plainText is a message without what is different each time.
func plainText(s string) string {
	return received.ReplaceAllString(strings.ReplaceAll(s, "\r\n", "\n"), "<R>\n")
}

// filterScene is a message that goes in at a door.
type filterScene struct {
	door, from string
	to         []string
	head       string
	nowhere    bool // nobody gets it
}

var filterScenes = []filterScene{
	{door: "plain", to: []string{"x@relay.test"}},
	{door: "plain", to: []string{"x@relay.test", "y@other.test", "z@relay.test"}},
	{door: "plain", to: []string{"list@relay.test"}, from: "old@far.test"},
	{door: "plain", to: []string{"nobody@relay.test"}, nowhere: true},
	{door: "plain", to: []string{"x@relay.test"}, from: "<>", head: "X-Virus: 1\n", nowhere: true}, // nobody gets a report
	{door: "plain", to: []string{"x@relay.test"}, head: "X-Other: 1\n"},
	{door: "plain", to: []string{"x@relay.test"}, from: "copied@far.test"},
	{door: "asis", to: []string{"list@relay.test"}, from: "old@far.test"},
	{door: "asis", to: []string{"x@relay.test", "y@other.test"}, from: "copied@far.test"},
	{door: "asis", to: []string{"x@relay.test"}, head: "From: old@far.test\n"},
	{door: "asis", to: []string{"nobody@relay.test"}, nowhere: true},
	{door: "hop", to: []string{"x@relay.test"}},
	{door: "access", to: []string{"x@relay.test"}},
	{door: "access", to: []string{"x@relay.test"}, from: "direct@far.test"},
	{door: "access", to: []string{"x@relay.test"}, from: "direct@far.test", head: "X-Other: 1\n"},
	{door: "unchecked", to: []string{"x@relay.test"}, head: "X-Other: 1\n"},
	{door: "unchecked", to: []string{"nobody@relay.test"}},
}

const filterMain = `compatibility_level = 3.6
myhostname = mail.example.test
mydestination =
relay_domains = relay.test, other.test
relay_recipient_maps = inline:{ {x@relay.test = ok}, {y@relay.test = ok}, {z@relay.test = ok}, {@other.test = ok} }
virtual_alias_maps = inline:{ {list@relay.test = x@relay.test, y@other.test} }
canonical_maps = inline:{ {old@far.test = new@far.test} }
sender_bcc_maps = inline:{ {copied@far.test = z@relay.test} }
transport_maps = inline:{ {* = smtp:$FINAL} }
header_checks = regexp:{ {/^X-Other:/ FILTER other:$OTHER}, {/^X-Virus:/ INFO seen} }
default_filter_nexthop = $SCAN
local_header_rewrite_clients = permit_mynetworks
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_banner = $myhostname ESMTP
mynetworks = 127.0.0.0/8
`

// The parts of a service are the name of its door, and its parameters.
var filterDoors = []struct{ name, params string }{
	{"plain", "-o content_filter=scan:$SCAN"},
	{"asis", "-o content_filter=scan:$SCAN -o receive_override_options=no_address_mappings"},
	{"hop", "-o content_filter=scan:"},
	{"access", "-o content_filter=scan:$SCAN -o { smtpd_sender_restrictions = check_sender_access inline:{ {direct@far.test = FILTER smtp:$FINAL} } }"},
	{"unchecked", "-o receive_override_options=no_unknown_recipient_checks,no_header_body_checks"},
	{"back", "-o content_filter= -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters,no_address_mappings"},
}

const filterTransports = `scan unix - - n - 2 smtp -o smtp_helo_name=front.test
other unix - - n - 2 smtp -o smtp_helo_name=other.test
`

// bracketed is an address as a next hop.
func bracketed(addr string) string { return "[" + strings.ReplaceAll(addr, ":", "]:") }

// filterSite is one of the two servers, with two filters and the next server.
type filterSite struct {
	scan, other *scanner
	final       *smtptest.Server
	addr        map[string]string // of doors
}

func newFilterSite(t *testing.T, start func(main, master string, doors []string) map[string]string) *filterSite {
	s := &filterSite{scan: newScanner(t), other: newScanner(t), final: smtptest.NewServer(t)}
	r := strings.NewReplacer("$FINAL", bracketed(s.final.Addr()), "$SCAN", bracketed(s.scan.addr), "$OTHER", bracketed(s.other.addr))
	var master string
	var names []string
	for _, d := range filterDoors {
		master += "<" + d.name + "> inet n - n - - smtpd " + r.Replace(d.params) + "\n"
		names = append(names, d.name)
	}
	s.addr = start(r.Replace(filterMain), master+filterTransports, names)
	s.scan.next, s.other.next = s.addr["back"], s.addr["back"]
	return s
}

// play sends a message and returns what happens.
func (s *filterSite) play(t *testing.T, f *filterScene) string {
	t.Helper()
	n := len(s.final.Messages())
	c, err := net.Dial("tcp", s.addr[f.door])
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	from := f.from
	if from == "" {
		from = "s@far.test"
	}
	lines := []string{"EHLO c.test", "MAIL FROM:<" + strings.Trim(from, "<>") + "> BODY=8BITMIME"}
	for _, to := range f.to {
		lines = append(lines, "RCPT TO:<"+to+">")
	}
	message := "Date: Thu, 26 Nov 2026 22:40:55 +0000\r\nFrom: s@far.test\r\nMessage-Id: <x@far.test>\r\n" + strings.ReplaceAll(f.head, "\n", "\r\n") + "\r\nhello\r\n."
	if strings.HasPrefix(f.head, "From:") {
		message = strings.Replace(message, "From: s@far.test\r\n", "", 1)
	}
	replies := newTypist(t, c).scene(&scene{lines: append(lines, "DATA", message, "QUIT")})
	c.Close()
	var out strings.Builder
	for _, r := range replies {
		fmt.Fprintln(&out, ids.ReplaceAllString(r, "queued as …"))
	}
	if !f.nowhere {
		sent(t, s.final, n+1)
	} else if strings.Contains(f.head, "Virus") {
		require.Eventually(t, func() bool { s.scan.mu.Lock(); defer s.scan.mu.Unlock(); return len(s.scan.told) > 0 }, time.Minute, 5*time.Millisecond)
	}
	for _, told := range s.scan.take() {
		fmt.Fprintf(&out, "scan: %s\n", told)
	}
	for _, told := range s.other.take() {
		fmt.Fprintf(&out, "other: %s\n", told)
	}
	for _, m := range s.final.Messages()[n:] {
		to := recipients([]*smtptest.Message{m})
		slices.Sort(to)
		fmt.Fprintf(&out, "final: from=<%s> to=%v\n%s\n", m.From, to, plainText(string(m.Data)))
	}
	return out.String()
}

// Mail goes through content filters behind the queue as with Debian's Postfix, by the same main.cf and master.cf: what the client is answered, what
// the filters get, and what comes out behind them.
func TestContentFilters(t *testing.T) {
	theirs := newFilterSite(t, func(main, master string, doors []string) map[string]string {
		addr := map[string]string{}
		for i, d := range doors {
			addr[d] = strings.Replace(freePort(t), "127.0.0.1:", fmt.Sprintf("127.0.0.%d:", i+10), 1)
			master = strings.Replace(master, "<"+d+">", addr[d], 1)
		}
		peers.PostfixWith(t, main, master, nil)
		return addr
	})
	ours := newFilterSite(t, func(main, master string, doors []string) map[string]string {
		for i, d := range doors {
			master = strings.Replace(master, "<"+d+">", fmt.Sprintf("127.0.0.%d:0", i+10), 1)
		}
		r := withOptions(t, main+"smtpd_peername_lookup = no\n", master, server.Options{})
		addr := map[string]string{}
		for i, d := range doors {
			addr[d] = r.s.Addrs(fmt.Sprintf("127.0.0.%d:0/inet", i+10))[0].String()
		}
		return addr
	})
	for i := range filterScenes {
		f := &filterScenes[i]
		want := theirs.play(t, f)
		assert.Equal(t, want, ours.play(t, f), "%+v", *f)
		if testing.Verbose() {
			t.Logf("%+v\n%s", *f, want)
		}
	}
}

// What was found out about a message before it went to a filter counts when it has come back: what makes it junk, and Authentication-Results. What a sender
// writes himself doesn't.
func TestFilterKeepsVerdicts(t *testing.T) {
	scan := newScanner(t)
	r := withMaster(t, "smtpd_recipient_restrictions = check_sender_access inline:{ { s@far.test = FILTER scan: } }\ndefault_filter_nexthop = "+bracketed(scan.addr)+"\n", `
127.0.0.1:0 inet n - n - - smtpd
127.0.0.2:0 inet n - n - - smtpd -o receive_override_options=no_milters -o { smtpd_recipient_restrictions = }
127.0.0.3:0 inet n - n - - smtpd -o receive_override_options=no_milters -o { smtpd_recipient_restrictions = } -o mynetworks=192.0.2.0/24
scan unix - - n - 2 smtp
`)
	scan.next = r.s.Addrs("127.0.0.2:0/inet")[0].String()
	const results = "Authentication-Results: mail.example.test; spf=pass smtp.mailfrom=far.test\r\n"
	send := func(door, from, subject string) {
		m, _ := r.hello(door)
		m.say("MAIL FROM:<"+from+">", "250 ")
		m.say("RCPT TO:<alice@example.test>", "250 ")
		m.say("DATA", "354 ")
		m.say("Received: from scanner\r\nX-Junk-Reason: forged\r\n"+results+"Subject: "+subject+"\r\n\r\nx\r\n.", "250 ")
	}
	send("127.0.0.1:0/inet", "s@far.test", "front")
	r.logged(`postfix/smtpd\[\d+\]: NOQUEUE: filter: RCPT from [^ ]+: <s@far\.test>: Sender address triggers FILTER scan:; from=<s@far\.test> to=<alice@example\.test> proto=ESMTP helo=<c\.test>\n`)
	r.logged(`to=<alice@example\.test>, relay=virtual, .* status=sent`)
	send("127.0.0.2:0/inet", "t@far.test", "back")
	send("127.0.0.3:0/inet", "t@far.test", "stranger")
	box := func(name string) string {
		i := r.dial("imap_listen")
		i.until("* OK")
		i.say("a LOGIN alice secret", "a OK")
		i.say("b SELECT "+name, "b OK")
		return i.say("c FETCH 1:* BODY.PEEK[HEADER]", "c OK", "c BAD")
	}
	junk, inbox := box("Junk"), box("INBOX")
	require.Equal(t, 1, strings.Count(junk, "Subject: "), junk)
	require.Contains(t, junk, "Subject: back\n")
	require.Equal(t, 2, strings.Count(inbox, "Subject: "), inbox)
	require.Contains(t, inbox, "Subject: front\n", "what stands below the trace field is the sender's word")
	require.Contains(t, inbox, "Subject: stranger\n")
	require.NotContains(t, inbox, "Authentication-Results")
	require.Equal(t, 1, strings.Count(junk, "Authentication-Results: mail.example.test"), "the front has taken one away")
	require.Contains(t, scan.take()[0], "X-Junk-Reason: forged\n")
}

// A content_filter that isn't there is told when the server starts.
func TestNoSuchFilter(t *testing.T) {
	_, err := config.Load(config.Options{Overrides: []string{"content_filter=amavis:[127.0.0.1]:10024"}})
	require.ErrorContains(t, err, `content_filter: there is no transport "amavis": there are discard, error, lmtp, local, relay, retry, smtp, virtual`)
	_, err = config.Load(config.Options{Overrides: []string{"receive_override_options=no_milters no_virus"}})
	require.ErrorContains(t, err, `receive_override_options: "no_virus" is not one of: no_unknown_recipient_checks, no_address_mappings, no_header_body_checks, no_milters`)
}
