package server_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Mail from elsewhere that an alias, a virtual alias or a .forward sends elsewhere has a sender of ours; what comes back to him reaches the real one.
// Mail of ours, mail for here and mail that only passes through keep their senders.
func TestSRS(t *testing.T) {
	f, relay := far(t)
	home, dir := t.TempDir(), t.TempDir()
	users(t, dir, "alice:{PLAIN}secret::::"+home+"::\nbob@example.test:{PLAIN}geheim\n")
	require.NoError(t, os.WriteFile(home+"/.forward", []byte("x@far.test\n"), 0o600))
	r := &running{t: t, dir: dir}
	r.run(append(base(dir), relay, "srs_domain=mail.example.test", "mydestination=mail.example.test, localhost", "virtual_alias_domains=alias.test", "virtual_alias_maps=inline:{ {v@alias.test=x@far.test}, {mixed@alias.test=x@far.test bob@example.test} }",
		"alias_maps=inline:{ {list=x@far.test} }", "relay_domains=relay.test")...)
	n := 0
	from := func(sender, to string) string {
		r.send(sender, to, note)
		n++
		return sent(t, f, n)[n-1].From
	}
	rewritten := regexp.MustCompile(`^SRS0=[A-Za-z0-9+/]{4}=[A-Z2-7]{2}=else\.test=s@mail\.example\.test$`)
	var srs string
	for _, to := range []string{"alice@localhost", "v@alias.test", "list@localhost", "mixed@alias.test"} {
		srs = from("s@else.test", to)
		require.Regexp(t, rewritten, srs, to)
	}
	require.Contains(t, r.inbox("bob@example.test", "geheim", 1), "Return-Path: <s@else.test>")
	require.Equal(t, "alice@example.test", from("alice@example.test", "v@alias.test"))
	require.Equal(t, "", from("", "v@alias.test"))
	require.Equal(t, "s@else.test", from("s@else.test", "y@relay.test"))

	// RFC 5321 section 4.5.5: reports come from the null sender.
	require.Equal(t, "", from("", srs))
	require.Equal(t, "s@else.test", f.Messages()[n-1].Recipients[0].Address)
	require.Equal(t, "550 5.1.1 <SRS0=aaaa=bb=else.test=s@mail.example.test>: Recipient address rejected: the address was not made here", r.rcpt("", "SRS0=aaaa=bb=else.test=s@mail.example.test"))
	require.Equal(t, "550 5.1.1 <srs0@mail.example.test>: Recipient address rejected: User unknown in local recipient table", r.rcpt("", "srs0@mail.example.test"))
}
