package server_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail/internal/peers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oddly are parameters that few set, and recipients and senders that show what they do, to a client in mynetworks and to a stranger.
var oddly = []struct {
	name       string
	params     string
	recipients []string
	senders    []string
}{
	{"resolve_dequoted_address", "resolve_dequoted_address = no\n", []string{`"x@far.test"@example.test`, `"x@far.test"@localhost`, `"x%far.test"@localhost`, `"far.test!x"@localhost`, `x%far.test@localhost`, `x%far.test@example.test`,
		`"alice@example.test"@localhost`, `"alice"@example.test`, `"x@far.test"@relay.test`, `"carol"@relay.test`, `"a b"@far.test`, `"a@b c"@far.test`, `"info@alias.test"@alias.test`, `"x@far.test"@far.test`, `"x@far.test"@[127.0.0.1]`, `"x@far.test"`}, nil},
	{"masquerade envelope recipients", "masquerade_domains = example.test\nmasquerade_classes = envelope_sender, envelope_recipient, header_sender, header_recipient\nmasquerade_exceptions = root\n", []string{"alice@host.example.test",
		"nobody@host.example.test", "alice@example.test", "root@host.example.test", "alice@a.b.example.test", "alice@HOST.Example.TEST", "info@host.alias.test", `"alice"@host.example.test`, "x%far.test@host.example.test", "alice@mail.example.test", "bob@mail.example.test", "nobody@mail.example.test", "list@mail.example.test", "postmaster@mail.example.test", "root@mail.example.test"}, []string{"s@host.example.test", "root@host.example.test"}},
	{"strict_rfc821_envelopes", "strict_rfc821_envelopes = yes\n", []string{".alice@example.test", "alice.@example.test", "a..b@far.test", ".@far.test", `".alice"@far.test`, "a b@far.test", `"a b"@far.test`, "alice", "@a.test:alice@example.test", "alice@example.test", "ali(c)e@example.test",
		"alice@[127.0.0.1]", "a,b@far.test", "alice@far_x.test", "", "postmaster", "x@nodot"}, []string{".s@far.test", "s.@far.test", "s..t@far.test", ".@far.test", "s", `"s t"@far.test`, "s@far.test", "s@[127.0.0.1]"}},
	{"unknown transport", "transport_maps = inline:{ {typo.test = smpt:[127.0.0.1]}, {relay.test = nosuch:} }\n", []string{"x@typo.test", "carol@relay.test", "alice@example.test"}, nil},
}

// TestOddParametersArePostfixs: what they make of addresses is what Postfix makes of them.
func TestOddParametersArePostfixs(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Debian's Postfix once for each")
	}
	for _, o := range oddly {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			cf := both
			if name, _, _ := strings.Cut(o.params, " "); strings.Contains(cf, "\n"+name+" ") {
				cf = without(cf, name)
			}
			var dialogues []string
			for _, to := range o.recipients {
				dialogues = append(dialogues, "EHLO c.test|MAIL FROM:<s@far.test>|RCPT TO:<"+to+">")
			}
			if o.name == "strict_rfc821_envelopes" {
				for _, path := range []string{"alice@example.test", " <alice@example.test>", "<alice@example.test", "alice@example.test>", "(x)<alice@example.test>", "<alice@example.test> ", "Alice <alice@example.test>", " alice@example.test"} {
					dialogues = append(dialogues, "EHLO c.test|MAIL FROM:<s@far.test>|RCPT TO:"+path, "EHLO c.test|MAIL FROM:"+path+"|RCPT TO:<alice@example.test>")
				}
			}
			for _, from := range o.senders {
				dialogues = append(dialogues, "EHLO c.test|MAIL FROM:<"+from+">|RCPT TO:<alice@example.test>")
			}
			for _, trusted := range []string{"192.0.2.0/24", "127.0.0.0/8"} {
				cf := strings.Replace(cf, "192.0.2.0/24", trusted, 1) + o.params
				m := peers.Postfix(t, cf+"virtual_mailbox_maps = inline:{ {alice@example.test = x}, {bob@example.test = x}, {postmaster@example.test = x} }\nlocal_recipient_maps = $alias_maps, inline:{ {postmaster = x}, {alice = x}, {bob = x} }\n", nil)
				var params []string
				for line := range strings.Lines(cf) {
					params = append(params, strings.TrimSuffix(line, "\n"))
				}
				r := start(t, append(params, "smtpd_sasl_auth_enable=no", "smtpd_tls_security_level=none")...)
				ours := r.s.Addrs("smtp_listen")[0].String()
				replies := make([][2][]string, len(dialogues))
				var wg sync.WaitGroup
				turn := make(chan struct{}, 8)
				for i, d := range dialogues {
					turn <- struct{}{}
					wg.Go(func() {
						replies[i] = [2][]string{speak(m.SMTP, d), speak(ours, d)}
						<-turn
					})
				}
				wg.Wait()
				for i, d := range dialogues {
					if theirs, ours := replies[i][0], replies[i][1]; o.name == "masquerade envelope recipients" && strings.HasPrefix(ours[len(ours)-1], "550 5.1.1 ") && theirs[len(theirs)-1] == "250 2.1.5 Ok" {
						continue // a recipient whom his new address makes nobody is refused at once, not returned afterwards
					}
					assert.Equal(t, fmt.Sprint(replies[i][0]), fmt.Sprint(replies[i][1]), "%s, mynetworks %s: %s", o.name, trusted, d)
				}
			}
		})
	}
}

// Mail for a transport that there isn't waits, in Postfix's words; the log has said so when the server started.
func TestUnknownTransportWaits(t *testing.T) {
	cf := without(both, "transport_maps") + "transport_maps = inline:{ {typo.test = smpt:[127.0.0.1]} }\n"
	cf = strings.Replace(cf, "192.0.2.0/24", "127.0.0.0/8", 1)
	m := peers.Postfix(t, cf+"header_checks =\n", nil)
	message := "EHLO c.test|MAIL FROM:<s@far.test>|RCPT TO:<x@typo.test>|DATA|Subject: x\r\n\r\nx\r\n."
	require.Contains(t, speak(m.SMTP, message)[5], "250 2.0.0 Ok")
	theirs := regexp.MustCompile(`to=<x@typo\.test>, relay=none, delay=\S+ delays=\S+ (dsn=.*)`)
	line := ""
	require.Eventually(t, func() bool {
		log, _ := os.ReadFile(m.Dir + "/maillog")
		if found := theirs.FindSubmatch(log); found != nil {
			line = string(found[1])
		}
		return line != ""
	}, time.Minute, 50*time.Millisecond)
	require.Equal(t, "dsn=4.3.0, status=deferred (mail transport unavailable)", line)

	var params []string
	for line := range strings.Lines(cf) {
		params = append(params, strings.TrimSuffix(line, "\n"))
	}
	r := start(t, append(params, "smtpd_sasl_auth_enable=no")...)
	require.Contains(t, speak(r.s.Addrs("smtp_listen")[0].String(), message)[5], "250 2.0.0 Ok")
	r.logged(`to=<x@typo\.test>, relay=none, delay=\S+ delays=\S+ ` + regexp.QuoteMeta(line))
	r.logged(`postfix/trivial-rewrite\[\d+\]: warning: .*transport_maps: typo\.test: there is no transport "smpt"; did you mean smtp\?`)
}

// without is a main.cf without one of its lines.
func without(cf, name string) string {
	var b strings.Builder
	for line := range strings.Lines(cf) {
		if !strings.HasPrefix(line, name+" ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestNetworksArePostfixs: exceptions, files and tables in mynetworks let in whom Postfix lets in.
func TestNetworksArePostfixs(t *testing.T) {
	nets := file(t, "nets", "# ours\n!127.0.0.2\n127.0.0.0/8\n")
	table := file(t, "cidr", "!127.0.0.1 x\n")
	for _, networks := range []string{"!127.0.0.1, 127.0.0.0/8", nets, "cidr:" + table, "192.0.2.1, !10.0.0.0/8 127.0.0.0/30"} {
		cf := strings.Replace(both, "192.0.2.0/24", networks, 1)
		m := peers.Postfix(t, cf, nil)
		var params []string
		for line := range strings.Lines(cf) {
			params = append(params, strings.TrimSuffix(line, "\n"))
		}
		r := start(t, append(params, "smtpd_sasl_auth_enable=no")...)
		const dialogue = "EHLO c.test|MAIL FROM:<s@far.test>|RCPT TO:<x@far.test>"
		theirs, ours := speak(m.SMTP, dialogue), speak(r.s.Addrs("smtp_listen")[0].String(), dialogue)
		require.Equal(t, theirs[3], ours[3], networks)
		r.end()
	}
}
