package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// header_checks and body_checks decide over messages that come in.
func TestChecks(t *testing.T) {
	f, relay := far(t)
	r := start(t, relay, "header_checks=regexp:{{/^Subject: spam/ REJECT we want none}, {/^Subject: drop/ DISCARD}, {/^Subject: keep/ HOLD}, {/^Subject: turn/ REDIRECT bob@example.test}, "+
		"{/^Subject: copy/ BCC bob@example.test}, {/^X-Secret:/ IGNORE}, {/^Subject: filter/ FILTER discard:}, {/^Subject: warn/ WARN look}}", "body_checks=regexp:{{/buy now/ REJECT}}")
	require.Equal(t, "550 5.7.1 we want none", r.send("s@far.test", "alice@example.test", "Subject: spam\r\n\r\nx\r\n"))
	require.Equal(t, "550 5.7.1 message content rejected", r.send("s@far.test", "alice@example.test", "Subject: x\r\n\r\nplease\r\nbuy now!\r\n"))
	require.Contains(t, r.send("s@far.test", "alice@example.test", "Subject: drop\r\n\r\nx\r\n"), "250 2.0.0 Ok: queued as ")
	require.Contains(t, r.send("s@far.test", "alice@example.test", "Subject: keep\r\n\r\nx\r\n"), "250 2.0.0 Ok: queued as ")
	require.Contains(t, r.send("s@far.test", "alice@example.test", "Subject: filter\r\n\r\nx\r\n"), "250 2.0.0 Ok: queued as ")
	require.Contains(t, r.send("s@far.test", "alice@example.test", "Subject: turn\r\n\r\nx\r\n"), "250 2.0.0 Ok: queued as ")
	require.Contains(t, r.send("s@far.test", "x@far.test", "Subject: copy\r\nX-Secret: 1\r\n\r\nx\r\n"), "250 2.0.0 Ok: queued as ")
	require.Contains(t, r.send("s@far.test", "alice@example.test", "Subject: warn\r\n\r\nx\r\n"), "250 2.0.0 Ok: queued as ")
	require.NotContains(t, string(sent(t, f, 1)[0].Data), "X-Secret")
	bob := r.inbox("bob@example.test", "geheim", 2)
	require.Contains(t, bob, "Subject: turn")
	require.Contains(t, bob, "Subject: copy")
	require.Contains(t, r.inbox("alice", "secret", 1), "Subject: warn")
	r.logged(`postfix/cleanup\[\d+\]: NOQUEUE: reject: header Subject: spam: we want none`)
	r.logged(`postfix/cleanup\[\d+\]: NOQUEUE: warning: header Subject: warn: look`)
	r.logged(`to=<alice@example.test>, relay=[^,]*, .*status=sent`)
	require.Contains(t, r.mailq(), "!", "one is held")
}

// Addresses in the header of local mail are completed and rewritten as the envelope's are; mail from elsewhere is left as it is. What goes out is
// shown by its generic names.
func TestHeadersAreRewritten(t *testing.T) {
	f, relay := far(t)
	params := []string{relay, "canonical_maps=inline:{alice@example.test=a.lice@example.test}", "masquerade_domains=example.test", "myorigin=example.test", "recipient_delimiter=+",
		"smtp_generic_maps=inline:{a.lice@example.test=public@isp.test}", "virtual_alias_maps=inline:{a.lice@example.test=alice@example.test}"}
	const text = "From: Alice <alice@host.example.test>\r\nTo: x@far.test, bob\r\nSubject: alice@host.example.test\r\n\r\nFrom: alice@host.example.test\r\n"
	r := start(t, params...)
	r.send("alice@example.test", "x@far.test", text)
	got := sent(t, f, 1)[0]
	require.Equal(t, "public@isp.test", got.From)
	require.Contains(t, string(got.Data), "From: Alice <alice@example.test>\r\nTo: x@far.test, bob@example.test\r\nSubject: alice@host.example.test\r\n", "masquerading comes after canonical_maps")
	require.Contains(t, string(got.Data), "\r\n\r\nFrom: alice@host.example.test\r\n")

	f.Reset()
	r.send("alice", "x@far.test", "From: alice\r\nTo: x@far.test\r\n\r\nx\r\n")
	got = sent(t, f, 1)[0]
	require.Contains(t, string(got.Data), "From: public@isp.test\r\n")

	r = start(t, append(params, "local_header_rewrite_clients=permit_sasl_authenticated")...)
	f.Reset()
	r.send("alice@example.test", "bob@example.test", text)
	require.Contains(t, r.inbox("bob@example.test", "geheim", 1), "From: Alice <alice@host.example.test>\nTo: x@far.test, bob\n")
}
