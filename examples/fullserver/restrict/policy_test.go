package restrict_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/restrict"
	"github.com/buuta/mail/smtp/rewrite"
)

// delegate is a policy server that answers by recipient, and notes what it is told. What is to be said of "close@" ends the connection before an answer.
func delegate(t *testing.T, actions map[string]string) (addr string, asked chan map[string]string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	asked = make(chan map[string]string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					request := map[string]string{"": c.RemoteAddr().String()}
					for {
						line, err := r.ReadString('\n')
						if err != nil {
							return
						}
						if line == "\n" {
							break
						}
						k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
						request[k] = v
					}
					asked <- request
					a := actions[request["recipient"]]
					if a == "" {
						return
					}
					fmt.Fprintf(c, "%s\n\n", a)
				}
			}()
		}
	}()
	return l.Addr().String(), asked
}

func checker(t *testing.T, c restrict.Config) *restrict.Checker {
	if c.Addresses == nil {
		c.Addresses = &rewrite.Rules{Hostname: "mx.example.test", Origin: "example.test", Local: rewrite.List("example.test")}
	}
	if c.Relay == "" {
		c.Relay = "reject_unauth_destination"
	}
	c.Open = func(ctx context.Context, spec string) (rewrite.Table, error) { return lookup.OpenList(ctx, spec, nil) }
	k, err := restrict.New(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { k.Close() })
	return k
}

var client = restrict.Client{Addr: netip.MustParseAddr("192.0.2.1"), Port: 4711, Name: "host.example", Protocol: "ESMTP", Login: "anna", Method: "PLAIN"}

func TestPolicyService(t *testing.T) {
	addr, asked := delegate(t, map[string]string{
		"ok@example.test": "action=OK", "later@example.test": "action=DEFER_IF_PERMIT Greylisted, come again", "no@example.test": "action=REJECT 5.7.9 not you",
		"extra@example.test": "x=y\naction=DUNNO\nz=", "hold@example.test": "action=HOLD for a look", "junk@example.test": "nothing=here",
		"long@example.test": "action=" + strings.Repeat("x", 10000), "odd@example.test": "action=FROBNICATE",
	})
	k := checker(t, restrict.Config{Recipient: "check_policy_service inet:" + addr})
	v := k.Visit(client)
	require.Nil(t, v.Hello(t.Context(), "host.example"))
	require.Nil(t, v.Mail(t.Context(), "a\n@b.example"))
	ask := func(to string) string {
		r := v.Recipient(t.Context(), to+"@example.test")
		if r == nil {
			return "taken"
		}
		return fmt.Sprint(r.Code, " ", r.Text)
	}
	require.Equal(t, "taken", ask("ok"))
	first := <-asked
	conn := first[""]
	require.NotEmpty(t, first["instance"])
	delete(first, "")
	delete(first, "instance")
	require.Equal(t, map[string]string{
		"request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP", "client_address": "192.0.2.1", "client_name": "host.example",
		"client_port": "4711", "reverse_client_name": "unknown", "helo_name": "host.example", "sender": "a?@b.example", "recipient": "ok@example.test",
		"recipient_count": "0", "queue_id": "", "etrn_domain": "", "stress": "", "ccert_subject": "", "ccert_issuer": "", "policy_context": "", "size": "0", "sasl_method": "PLAIN", "sasl_username": "anna", "sasl_sender": "", "ccert_fingerprint": "", "ccert_pubkey_fingerprint": "", "encryption_protocol": "", "encryption_cipher": "", "encryption_keysize": "0",
	}, first)
	require.Equal(t, "450 <later@example.test>: Recipient address rejected: Greylisted, come again", ask("later"))
	require.Equal(t, conn, (<-asked)[""], "one connection for all questions")
	require.Equal(t, "550 <no@example.test>: Recipient address rejected: not you", strings.Replace(ask("no"), "554", "550", 1))
	require.Equal(t, "taken", ask("extra"))
	require.Equal(t, "taken", ask("hold"))
	require.Equal(t, "for a look", v.Message.Hold)
	for _, bad := range []string{"junk", "long", "closes"} {
		require.Equal(t, "451 <"+bad+"@example.test>: Recipient address rejected: Server configuration problem", ask(bad))
	}
	require.Equal(t, "451 <odd@example.test>: Recipient address rejected: Server configuration error", ask("odd"))
	require.Equal(t, "taken", ask("ok"), "and the next one works again")

	// A server that doesn't answer costs its timeout, and no more.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	k = checker(t, restrict.Config{Recipient: "check_policy_service { inet:" + l.Addr().String() + ", timeout=1s, default_action=DUNNO }"})
	v = k.Visit(client)
	v.Mail(t.Context(), "a@b.example")
	start := time.Now()
	require.Equal(t, "taken", ask("ok"))
	require.Less(t, time.Since(start), 20*time.Second)
}

func TestMistakes(t *testing.T) {
	for list, want := range map[string]string{
		"reject_unauth_destinaton":                    `smtpd_recipient_restrictions: unknown restriction "reject_unauth_destinaton"; is it reject_unauth_destination?`,
		"frobnicate":                                  `smtpd_recipient_restrictions: unknown restriction "frobnicate"`,
		"check_client_access":                         "smtpd_recipient_restrictions: check_client_access needs a table, type:name",
		"check_client_access, reject":                 "smtpd_recipient_restrictions: check_client_access needs a table, type:name",
		"check_client_access nosuch:x":                `smtpd_recipient_restrictions: `,
		"reject_rbl_client":                           "smtpd_recipient_restrictions: reject_rbl_client needs a domain",
		"reject_rbl_client a_b..c":                    `smtpd_recipient_restrictions: reject_rbl_client: "a_b..c" is no domain`,
		"reject_rbl_client x.example=127.0.0.[2..":    `smtpd_recipient_restrictions: reject_rbl_client: "127.0.0.[2.." has no ]`,
		"reject_rbl_client x.example=127.0.0.[9..2]":  `smtpd_recipient_restrictions: reject_rbl_client: "127.0.0.[9..2]": "9..2" is no octet, nor a range of them`,
		"reject_rbl_client x.example=127.0":           `smtpd_recipient_restrictions: reject_rbl_client: "127.0" is not of the form d.d.d.d, with [a;b..c] for some d`,
		"sleep long":                                  "smtpd_recipient_restrictions: sleep long: is no number of seconds",
		"warn_if_reject":                              "smtpd_recipient_restrictions: warn_if_reject stands before nothing",
		"check_policy_service tcp:x":                  "smtpd_recipient_restrictions: check_policy_service tcp:x: is neither inet:host:port nor unix:path",
		"check_policy_service { inet:a:1, timeot=1 }": `smtpd_recipient_restrictions: check_policy_service { inet:a:1, timeot=1 }: unknown attribute "timeot"`,
		"{ reject":                 "smtpd_recipient_restrictions: has a brace without its other half",
		"reject_unverified_sender": "smtpd_recipient_restrictions: reject_unverified_sender: nobody can be asked about addresses here; leave it out",
		"one":                      "two: leads to itself: one, two, one",
		"permit":                   "smtpd_relay_restrictions: everybody could send anywhere through this server: add reject_unauth_destination",
	} {
		classes := map[string]string{}
		if list == "one" {
			classes = map[string]string{"one": "permit, two", "two": "one"}
		}
		_, err := restrict.New(t.Context(), restrict.Config{Recipient: list, Classes: classes, Addresses: &rewrite.Rules{},
			Open: func(ctx context.Context, spec string) (rewrite.Table, error) { return lookup.OpenList(ctx, spec, nil) }})
		var l *restrict.ListError
		require.ErrorAs(t, err, &l, list)
		if list == "one" {
			require.Contains(t, err.Error(), "leads to itself: ")
			continue
		}
		require.Contains(t, err.Error(), want, list)
	}
}

// What a table answers with is done, or what is wrong with it said.
func TestActions(t *testing.T) {
	var log []string
	k := checker(t, restrict.Config{Sender: "check_sender_access inline:{ { a@x.example = PREPEND X-Seen: yes }, { b@x.example = REDIRECT c@d.example }, { c@x.example = BCC c@d.example }, " +
		"{ d@x.example = FILTER smtp:[127.0.0.1] }, { e@x.example = WARN look }, { f@x.example = PREPEND nothing }, { g@x.example = REDIRECT nobody }, { h@x.example = DISCARD spam } }",
		Log: func(_ *restrict.Visit, text string) { log = append(log, text) }})
	for from, want := range map[string]restrict.Message{
		"a": {Prepend: []string{"X-Seen: yes"}}, "b": {Redirect: "c@d.example"}, "c": {BCC: []string{"c@d.example"}}, "d": {Filter: "smtp:[127.0.0.1]"}, "e": {}, "h": {Discard: "spam"},
	} {
		v := k.Visit(client)
		v.Mail(t.Context(), from+"@x.example")
		require.Nil(t, v.Recipient(t.Context(), "user@example.test"))
		require.Equal(t, want, v.Message, from)
		v.Mail(t.Context(), "x@x.example")
		require.Zero(t, v.Message, "the next message is another")
	}
	for _, from := range []string{"f", "g"} {
		v := k.Visit(client)
		v.Mail(t.Context(), from+"@x.example")
		require.EqualValues(t, 451, v.Recipient(t.Context(), "user@example.test").Code)
	}
	require.Contains(t, log, "warn: <e@x.example>: Sender address: look")
}

// However odd, a list is read or refused, and what it names is asked without harm.
func FuzzLists(f *testing.F) {
	for _, s := range []string{"permit_mynetworks, reject", "check_sender_access inline:{ a=b }", "sleep 1", "reject_rbl_client a.b=1.[2;3..4].5.6", "warn_if_reject reject_non_fqdn_sender", "check_policy_service { unix:x, timeout=1 }", "inline:{a=OK}", "{{}} , x"} {
		f.Add(s, "a@b.example", "c@example.test")
	}
	f.Fuzz(func(t *testing.T, list, from, to string) {
		if strings.Contains(strings.ToLower(list), "sleep") {
			return
		}
		k, err := restrict.New(t.Context(), restrict.Config{Recipient: list, Relay: "reject_unauth_destination", Addresses: &rewrite.Rules{Hostname: "x", Local: rewrite.List("example.test")},
			Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no") },
			Open: func(ctx context.Context, spec string) (rewrite.Table, error) {
				if !strings.HasPrefix(spec, "inline:") && !strings.HasPrefix(spec, "static:") {
					return nil, errors.New("only these")
				}
				return lookup.OpenList(ctx, spec, nil)
			}, Resolver: nowhere{}})
		if err != nil {
			var l *restrict.ListError
			require.ErrorAs(t, err, &l)
			return
		}
		v := k.Visit(client)
		v.Hello(t.Context(), from)
		v.Mail(t.Context(), from)
		if r := v.Recipient(t.Context(), to); r != nil {
			require.Contains(t, []int{4, 5}, r.Code/100)
		}
	})
}

// nowhere is a DNS without names.
type nowhere struct{}

func (nowhere) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, &net.DNSError{IsNotFound: true}
}
func (nowhere) LookupMX(context.Context, string) ([]*net.MX, error) {
	return nil, &net.DNSError{IsNotFound: true}
}
func (nowhere) LookupTXT(context.Context, string) ([]string, error) {
	return nil, &net.DNSError{IsNotFound: true}
}
