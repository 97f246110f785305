package rewrite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/stretchr/testify/require"
)

// site is one site for both: main.cf, and the same as Rules.
const site = `compatibility_level = 3.6
myhostname = mail.here.test
mydomain = here.test
myorigin = here.test
mydestination = mail.here.test, localhost, here.test
alias_maps =
proxy_interfaces = 192.0.2.99
recipient_delimiter = +-
relay_domains = relay.test
virtual_alias_domains = alias.test
virtual_mailbox_domains = box.test, both.test
virtual_alias_maps = texthash:$D/virtual
canonical_maps = texthash:$D/canonical
recipient_canonical_maps = texthash:$D/rcanon
sender_canonical_maps = texthash:$D/scanon
masquerade_domains = !secret.masq.test masq.test
masquerade_classes = envelope_sender, envelope_recipient
masquerade_exceptions = root
transport_maps = texthash:$D/transport
relocated_maps = texthash:$D/relocated
relayhost = [smart.test]:587
sender_dependent_relayhost_maps = texthash:$D/senderrelay
sender_dependent_default_transport_maps = texthash:$D/sendertransport
`

var tables = map[string]string{
	"virtual": "one@alias.test alice@here.test\nmany@alias.test alice@here.test, bob@far.test,carol\n@alias.test catch@box.test\nself@box.test self@box.test, other@box.test\n" +
		"a1@alias.test a2@alias.test\na2@alias.test a3@alias.test\na3@alias.test end@far.test\nuser user@box.test\n@swap.test @box.test\nname@alias.test Some One <some@far.test>, \"quoted one\"@far.test (comment)\n" +
		"\"a b\"@alias.test ab@box.test\nloop1@alias.test loop2@alias.test\nloop2@alias.test loop1@alias.test\nbang@alias.test host!user\nspace@alias.test x@far.test y@far.test\ncase@alias.test MiXed@Far.TEST\n" +
		"plus+only@alias.test exact@far.test\nroot admin@here.test\npostmaster pm@box.test\nmailer-daemon md@box.test\n",
	"canonical":       "old@here.test new@here.test\nold2@here.test old3@here.test\nold3@here.test final@here.test\n@gone.test @here.test\nlocaluser canon@box.test\nc1@far.test c2@far.test\nc2@far.test c1@far.test\n",
	"rcanon":          "rc@here.test rcdone@here.test\n",
	"scanon":          "sc@here.test scdone@here.test\nold@here.test sender-old@here.test\n",
	"transport":       "full@tmap.test smtp:[full.test]\nhalf@tmap.test uucp:\nnohop@tmap.test uucp\nhop@tmap.test :[only.test]\nnone@tmap.test :\ntmap.test smtp:[dom.test]:26\n.tmap.test relay:[sub.test]\nerr.test error:mail for this is not deliverable\nerr2.test error:5.7.1 go away\nerr3.test error\nretry.test retry:4.4.4 later\ndisc.test discard:\n.deep.test smtp:deep\nbox.test lmtp:unix:/box\nuser@here.test smtp:[userhost]\nalias.test smtp:[never.test]\n",
	"relocated":       "moved@here.test moved@new.test\n@left.test somewhere else\nmovedbox@box.test a@b\n",
	"senderrelay":     "s@sender.test [srelay.test]\n@sdom.test [sdom-relay.test]:2525\ndunno@sender.test DUNNO\n<> [null.test]\n",
	"sendertransport": "t@sender.test slow:\n@tdom.test slow:[tdom-hop.test]\ndunno@sender.test DUNNO\n",
}

// mapOf reads a table as texthash does, which is good enough here: keys have no white space, or quotes around it.
func mapOf(text string) rewrite.Map {
	m := rewrite.Map{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		i := strings.IndexByte(line, ' ')
		if line[0] == '"' {
			i = strings.LastIndexByte(line[:strings.IndexByte(line, '@')+1], '@') + strings.IndexByte(line[strings.IndexByte(line, '@'):], ' ')
		}
		m[strings.ToLower(line[:i])] = strings.TrimSpace(line[i:])
	}
	return m
}

func rules() *rewrite.Rules {
	return &rewrite.Rules{
		Hostname: "mail.here.test", Origin: "here.test", Domain: "here.test", Delimiter: "+-",
		Local: rewrite.List("mail.here.test", "localhost", "here.test"), Relay: relay("relay.test"), VirtualAliasHosts: rewrite.List("alias.test"),
		VirtualMailbox: rewrite.List("box.test", "both.test"),
		OwnAddress:     func(a netip.Addr) bool { return a.String() == "127.0.0.1" || a.String() == "192.0.2.99" },
		VirtualAlias:   mapOf(tables["virtual"]), Canonical: mapOf(tables["canonical"]), RecipientCanonical: mapOf(tables["rcanon"]), SenderCanonical: mapOf(tables["scanon"]),
		Masquerade: []string{"!secret.masq.test", "masq.test"}, MasqueradeFor: rewrite.EnvelopeSender | rewrite.EnvelopeRecipient, MasqueradeExceptions: rewrite.List("root"),
		Transport: mapOf(tables["transport"]), Relocated: mapOf(tables["relocated"]), Relayhost: "[smart.test]:587",
		SenderRelayhost: mapOf(tables["senderrelay"]), SenderTransport: mapOf(tables["sendertransport"]),
	}
}

// relay is a list in which a domain is for those below it too, as relay_domains is by default.
func relay(names ...string) *rewrite.Matcher {
	m, err := rewrite.ParseDomains(context.Background(), names, rewrite.MatcherOptions{Parents: true})
	if err != nil {
		panic(err)
	}
	return m
}

// locals and domains make the addresses: each local part at each domain, and some that are no such pair.
var (
	locals = []string{"alice", "user", "user+ext", "user-ext", "root", "postmaster", "postmaster+x", "MAILER-DAEMON", "owner-list", "list-request", "+ext", "user+", "-dash", "a%b.test", "a%box.test", "x!y", "x!y%z",
		"a@b.test", "a@here.test", "user@box.test", "a b", "a\"b", "a\\b", ".dot", "dot.", "two..dots", "(c)", "a,b", "ünï", "UPPER", "moved", "full", "half", "nohop", "hop", "none", "movedbox", "a@b@c", "@", "a%", "!b", "a%b%c", "\"q\"", ""}
	domains = []string{"here.test", "mail.here.test", "localhost", "HERE.TEST", "here.test.", "box.test", "both.test", "alias.test", "relay.test", "sub.relay.test", "far.test", "tmap.test", "x.tmap.test", "err.test", "err2.test", "err3.test",
		"retry.test", "disc.test", "a.b.deep.test", "deep.test", "left.test", "[127.0.0.1]", "[192.0.2.99]", "[192.0.2.1]", "[IPv6:::1]", "[nonsense]", "127.0.0.1", "nodot", "bad_.test", "-bad.test", "bad..test", "123.456", "müller.test", "masq.test", "a.masq.test", ""}
	odd = []string{"alice", "a%b.test", "x!y!z", "@a.test:b@c.test", "@", "a@", "@here.test", "user@here.test@far.test", "\"\"", "a b", "a@b@", "x@y.", "x@y..", "x@.", "x@..", "."}
)

func everyAddress() []string {
	var out []string
	for i, l := range locals {
		for j, d := range domains {
			if (i*len(domains)+j)%4 == 0 || i < 4 || j < 2 { // a quarter, and all with the first ones
				out = append(out, l+"@"+d)
			}
		}
	}
	return append(out, odd...)
}

// Resolve leads where Postfix's trivial-rewrite leads, for each of some 700 addresses.
func TestResolveIsPostfixs(t *testing.T) { resolveIsPostfixs(t, rules(), "") }

// So it is where what is in quotes is only a name.
func TestResolveQuotedIsPostfixs(t *testing.T) {
	r := rules()
	r.NoDequote = true
	resolveIsPostfixs(t, r, "resolve_dequoted_address = no\n")
}

func resolveIsPostfixs(t *testing.T, r *rewrite.Rules, more string) {
	m := peers.Postfix(t, site+more, tables)
	classes := map[string]int{string(rewrite.Local): 256, string(rewrite.VirtualAlias): 512, string(rewrite.VirtualMailbox): 1024, string(rewrite.RelayTo): 2048, string(rewrite.Default): 4096}
	differ, n := 0, 0
	for i, a := range everyAddress() {
		sender := []string{"", "s@sender.test", "x@sdom.test", "dunno@sender.test", "t@sender.test", "a@tdom.test", "plain@far.test"}[i%7]
		theirs, err := m.Ask("rewrite", "request", "resolve", "sender", sender, "address", a)
		require.NoError(t, err)
		w, err := r.Resolve(t.Context(), rewrite.Quote(sender), rewrite.Quote(a))
		require.NoError(t, err)
		flags := classes[string(w.Class)]
		if w.Routed {
			flags |= 2
		}
		if w.Bad {
			flags |= 4
		}
		want, _ := strconv.Atoi(theirs["flags"])
		ours := fmt.Sprintf("%s %s %s %d", w.Transport, w.Nexthop, rewrite.Unquote(w.Recipient), flags)
		if want&4 != 0 && w.Bad { // nobody looks at the rest
			ours = fmt.Sprintf("%s %s %s %d", theirs["transport"], theirs["nexthop"], theirs["recipient"], want)
		}
		if strings.HasSuffix(a, "@[IPv6:::1]") && strings.HasPrefix(a, "@") {
			continue // Postfix's parser takes the colon for the end of a source route; RFC 5321 has no address without a local part
		}
		n++
		if got := fmt.Sprintf("%s %s %s %s", theirs["transport"], theirs["nexthop"], theirs["recipient"], theirs["flags"]); got != ours {
			differ++
			t.Errorf("%q from %q:\n  Postfix %s\n  here    %s", a, sender, got, ours)
		}
	}
	require.Greater(t, n, 300)
	t.Logf("%d of %d differ", differ, n)
}

// Complete writes addresses as Postfix's trivial-rewrite does.
func TestCompleteIsPostfixs(t *testing.T) {
	for _, more := range []string{"", "append_dot_mydomain = yes\nswap_bangpath = no\nallow_percent_hack = no\n", "append_at_myorigin = no\nappend_dot_mydomain = yes\n"} {
		m := peers.Postfix(t, site+more, tables)
		r := rules()
		r.AppendDomain = strings.Contains(more, "append_dot")
		r.NoBangpath, r.NoPercentHack = strings.Contains(more, "swap"), strings.Contains(more, "swap")
		r.NoOrigin = strings.Contains(more, "append_at")
		for _, a := range everyAddress() {
			if a == "" || strings.HasPrefix(a, "@") && strings.Contains(a, ":") {
				continue // Postfix's parser sees a source route even in quotes, and where the colon is IPv6's
			}
			said := rewrite.Quote(a)
			theirs, err := m.Ask("rewrite", "request", "rewrite", "rule", "local", "address", said)
			require.NoError(t, err)
			if got := r.Complete(said); theirs["address"] != got {
				t.Errorf("%s with %q:\n  Postfix %s\n  here    %s", said, more, theirs["address"], got)
			}
		}
	}
}

// dialogue speaks SMTP with a server and returns the replies.
func dialogue(t *testing.T, addr string, lines ...string) []string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(60*time.Second)))
	r := bufio.NewReader(c)
	reply := func() string {
		for {
			l, err := r.ReadString('\n')
			require.NoError(t, err)
			if len(l) > 3 && l[3] == ' ' {
				return strings.TrimRight(l, "\r\n")
			}
		}
	}
	out := []string{reply()}
	for _, l := range lines {
		_, err := io.WriteString(c, l+"\r\n")
		require.NoError(t, err)
		out = append(out, reply())
		if strings.HasPrefix(l, "RCPT") && !strings.HasPrefix(out[len(out)-1], "2") {
			break
		}
	}
	return out
}

// Sender, Unlisted and Recipients make of each address what smtpd and cleanup make of it: the reply to RCPT and what stands in the queue.
func TestRecipientsArePostfixs(t *testing.T) {
	m := peers.Postfix(t, site+"header_checks = static:HOLD\nsmtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\nsmtpd_relay_restrictions =\nmynetworks = 127.0.0.0/8\n"+
		"local_recipient_maps = texthash:$D/locals\nvirtual_mailbox_maps = texthash:$D/boxes\nrelay_recipient_maps = texthash:$D/relays\nsmtpd_hard_error_limit = 100000\nsmtpd_soft_error_limit = 100000\n"+
		"virtual_alias_recursion_limit = 20\nvirtual_alias_expansion_limit = 50\n",
		with(tables, "locals", locals1, "boxes", boxes1, "relays", relays1))
	r := rules()
	r.LocalRecipients, r.VirtualMailboxes, r.RelayRecipients = mapOf(locals1), mapOf(boxes1), mapOf(relays1)
	r.Limits.Recursion, r.Limits.Expansion = 20, 50
	r.Propagate = rewrite.InCanonical | rewrite.InVirtual
	senders := []string{"", "s@far.test", "sc@here.test", "old@here.test", "x@a.masq.test", "root@a.masq.test", "x@b.secret.masq.test", "bare", "old2+x@here.test", "u@gone.test"}
	n := 0
	for i, a := range everyRecipient() {
		sender := senders[i%len(senders)]
		said := rewrite.Quote(a)
		replies := dialogue(t, m.SMTP, "HELO c.test", "MAIL FROM:<"+sender+">", "RCPT TO:<"+said+">", "DATA", "Subject: x\r\n\r\nx\r\n.", "QUIT")
		n++
		rcpt := replies[3]
		ours := r.Unlisted(t.Context(), sender, said)
		if ours == nil {
			ours = mail.NewReply(250, mail.EnhancedCode{2, 1, 5}, "Ok")
		}
		if rcpt != ours.String() {
			t.Errorf("RCPT %s:\n  Postfix %s\n  here    %s", said, rcpt, ours)
			continue
		}
		if !ours.OK() {
			continue
		}
		done := replies[5]
		list, err := r.Recipients(t.Context(), said)
		if err != nil {
			if want := rewrite.ReplyOf(said, err).String(); !strings.HasPrefix(done, want[:9]) {
				t.Errorf("message to %s:\n  Postfix %s\n  here    %s", said, done, want)
			}
			continue
		}
		id, ok := strings.CutPrefix(done, "250 2.0.0 Ok: queued as ")
		if !ok {
			t.Errorf("message to %s:\n  Postfix %s\n  here    %q", said, done, list)
			continue
		}
		text, err := m.Held(id)
		require.NoError(t, err)
		var theirs []string
		var from string
		for line := range strings.Lines(text) {
			if to, ok := strings.CutPrefix(line, "recipient: "); ok {
				theirs = append(theirs, strings.TrimSuffix(to, "\n"))
			}
			if s, ok := strings.CutPrefix(line, "sender: "); ok {
				from = strings.TrimSuffix(s, "\n")
			}
		}
		for i := range list {
			list[i] = rewrite.Unquote(list[i])
		}
		list = unique(list)
		if fmt.Sprint(theirs) != fmt.Sprint(list) {
			t.Errorf("to %s:\n  Postfix %q\n  here    %q", said, theirs, list)
		}
		s, err := r.Sender(t.Context(), sender)
		require.NoError(t, err)
		if s != from {
			t.Errorf("from %s:\n  Postfix %q\n  here    %q", sender, from, s)
		}
	}
	require.Greater(t, n, 300)
}

const (
	locals1 = "alice x\nuser x\nroot x\nfull@here.test x\n@mail.here.test x\n"
	boxes1  = "alice@box.test x\nuser@box.test x\n@both.test x\n"
	relays1 = "alice@relay.test x\n@sub.relay.test x\n"
)

func with(m map[string]string, more ...string) map[string]string {
	out := maps.Clone(m)
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// unique leaves out what comes again, as cleanup does (duplicate_filter_limit).
func unique(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, a := range list {
		if l := strings.ToLower(a); !seen[l] {
			seen[l] = true
			out = append(out, a)
		}
	}
	return out
}

// everyRecipient are the addresses that can be said at RCPT, and those that the tables have something for.
func everyRecipient() []string {
	var out []string
	for _, text := range []string{"virtual", "canonical", "rcanon", "relocated"} {
		for key := range mapOf(tables[text]) {
			key = strings.ToLower(rewrite.Unquote(key))
			if strings.HasPrefix(key, "@") {
				out = append(out, "someone"+key, "Some+ext"+key)
				continue
			}
			out = append(out, key)
			if l, d, ok := strings.Cut(key, "@"); ok {
				out = append(out, l+"+ext@"+d, strings.ToUpper(l)+"-Ext@"+d)
			} else {
				out = append(out, key+"@here.test", key+"+e@localhost", key+"@mail.here.test", key+"@box.test", key+"@far.test")
			}
		}
	}
	slices.Sort(out)
	for _, a := range everyAddress() {
		local, domain, ok := strings.Cut(a, "@")
		if !ok || local == "" || domain == "" || strings.Contains(domain, "@") && !strings.Contains(domain, "@here") || strings.Contains(domain, "..") || strings.HasSuffix(domain, ".") || strings.ContainsFunc(a, func(r rune) bool { return r > 0x7f }) {
			continue // the grammar of RFC 5321 is package smtp's
		}
		out = append(out, a)
	}
	return out
}
