package rewrite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/stretchr/testify/require"
)

func Example() {
	ctx := context.Background()
	r := &rewrite.Rules{
		Hostname: "mail.example.org", Origin: "example.org", Delimiter: "+",
		Local:        rewrite.List("mail.example.org", "example.org"),
		VirtualAlias: rewrite.Map{"info@example.org": "alice, bob@example.net"},
		Relayhost:    "[smart.example.net]",
	}
	to, err := r.Recipients(ctx, "Info+x@example.org")
	if err != nil {
		fmt.Println(err)
	}
	for _, a := range to {
		w, err := r.Resolve(ctx, "", a)
		fmt.Println(w.Recipient, w.Class, w.Transport, w.Nexthop, err)
	}
	// Output:
	// alice+x@example.org local local mail.example.org <nil>
	// bob+x@example.net default smtp [smart.example.net] <nil>
}

// Loops end, and the error names the circle; so does a list without end.
func TestLoops(t *testing.T) {
	r := &rewrite.Rules{Hostname: "h.test", VirtualAlias: rewrite.Map{
		"a@x.test": "b@x.test", "b@x.test": "c@x.test", "c@x.test": "A@x.test", "in@x.test": "a@x.test",
		"self@x.test": "self@x.test, other@x.test",
		"grow@x.test": "grow2@x.test, grow3@x.test", "grow2@x.test": "grow3@x.test, grow2@x.test, grow@x.test", "grow3@x.test": "grow@x.test, a1@y.test",
	}}
	_, err := r.Recipients(t.Context(), "in@x.test")
	loop, ok := errors.AsType[*rewrite.LoopError](err)
	require.True(t, ok, err)
	require.Equal(t, "virtual_alias_maps: a@x.test -> b@x.test -> c@x.test -> A@x.test has no end (virtual_alias_recursion_limit): take one of these lines out of the table", loop.Error())
	require.Equal(t, "451 4.6.0 Alias expansion error", rewrite.ReplyOf("in@x.test", err).String())

	list, err := r.Recipients(t.Context(), "self@x.test")
	require.NoError(t, err)
	require.Equal(t, []string{"self@x.test", "other@x.test"}, list)

	_, err = r.Recipients(t.Context(), "grow@x.test")
	loop, ok = errors.AsType[*rewrite.LoopError](err)
	require.True(t, ok, err)
	require.LessOrEqual(t, len(loop.Chain), 8)

	// Each step makes the address longer.
	r.VirtualAlias, r.Delimiter = rewrite.Map{"@x.test": strings.Repeat("y", 1001) + "@x.test"}, "+"
	_, err = r.Recipients(t.Context(), "q@x.test")
	require.ErrorContains(t, err, "virtual_alias_address_length_limit")

	// Canonical maps are followed ten times, and then what there is counts, as in Postfix.
	r = &rewrite.Rules{Canonical: rewrite.Map{"a@x.test": "b@x.test", "b@x.test": "a@x.test"}}
	s, err := r.Sender(t.Context(), "a@x.test")
	require.NoError(t, err)
	require.Equal(t, "a@x.test", s)
}

// broken is a table that fails.
type broken struct{}

func (broken) Find(context.Context, string) (string, bool, error) {
	return "", false, errors.New("down")
}
func (broken) Match(context.Context, string) (bool, error) { return false, errors.New("down") }

// A table that fails means that nobody knows: 451, wherever it is asked.
func TestBrokenTables(t *testing.T) {
	for name, r := range map[string]*rewrite.Rules{
		"mydestination":                           {Local: broken{}},
		"virtual_alias_domains":                   {VirtualAliasHosts: broken{}},
		"virtual_mailbox_domains":                 {VirtualMailbox: broken{}},
		"relay_domains":                           {Relay: broken{}},
		"recipient_canonical_maps":                {RecipientCanonical: broken{}},
		"canonical_maps":                          {Canonical: broken{}},
		"virtual_alias_maps":                      {VirtualAlias: broken{}},
		"transport_maps":                          {Transport: broken{}},
		"relocated_maps":                          {Relocated: broken{}},
		"sender_dependent_relayhost_maps":         {SenderRelayhost: broken{}},
		"sender_dependent_default_transport_maps": {SenderTransport: broken{}},
		"local_recipient_maps":                    {Local: rewrite.List("x.test"), LocalRecipients: broken{}},
		"relay_recipient_maps":                    {Relay: rewrite.List("x.test"), RelayRecipients: broken{}},
		"virtual_mailbox_maps":                    {VirtualMailbox: rewrite.List("x.test"), VirtualMailboxes: broken{}},
	} {
		reply := r.Unlisted(t.Context(), "s@y.test", "a@x.test")
		require.NotNil(t, reply, name)
		require.Equal(t, "451 4.3.0 <a@x.test>: Temporary lookup failure", reply.String(), name)
		lookup, ok := errors.AsType[*rewrite.LookupError](error(reply))
		require.True(t, ok, name)
		require.Equal(t, name, lookup.Table)
	}
	for name, r := range map[string]*rewrite.Rules{
		"sender_canonical_maps": {SenderCanonical: broken{}},
		"masquerade_exceptions": {Masquerade: []string{"x.test"}, MasqueradeExceptions: broken{}},
	} {
		_, err := r.Sender(t.Context(), "a@b.x.test")
		require.ErrorContains(t, err, name)
	}
	r := &rewrite.Rules{SMTPGeneric: broken{}, SenderBCC: broken{}, RecipientBCC: broken{}}
	_, err := r.Generic(t.Context(), "a@x.test")
	require.ErrorContains(t, err, "smtp_generic_maps: looking up a@x.test: down")
	_, err = r.SenderCopy(t.Context(), "a@x.test")
	require.Error(t, err)
	_, err = r.RecipientCopy(t.Context(), "a@x.test")
	require.Error(t, err)
}

func TestUnlistedWords(t *testing.T) {
	r := &rewrite.Rules{Hostname: "h.test", Local: rewrite.List("l.test"), LocalRecipients: rewrite.Map{"alice": "x"}, LocalCode: 450, HideTable: true}
	require.Nil(t, r.Unlisted(t.Context(), "", "Alice@l.test"))
	require.Equal(t, "450 4.1.1 <bob@l.test>: Recipient address rejected: User unknown", r.Unlisted(t.Context(), "", "bob@l.test").String())
	require.Equal(t, "450 4.1.0 <bob@l.test>: Sender address rejected: User unknown", r.UnlistedSender(t.Context(), "bob@l.test").String())
	require.Nil(t, r.UnlistedSender(t.Context(), ""))
	require.Nil(t, r.UnlistedSender(t.Context(), "any@far.test"))
	require.Equal(t, mail.EnhancedCode{5, 1, 7}, r.UnlistedSender(t.Context(), "x@[1.2]").Enhanced)
}

func TestDomains(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "more"), []byte("# more\nfile.test, other.test\n!never.test\n"), 0o600))
	open := func(_ context.Context, spec string) (rewrite.Table, error) {
		if spec == "none:x" {
			return nil, errors.New("no such type")
		}
		return rewrite.Map{"table.test": "x", ".below.test": "x", "par.test": "x"}, nil
	}
	for _, tt := range []struct {
		o       rewrite.MatcherOptions
		yes, no string
	}{
		{rewrite.MatcherOptions{}, "a.test file.test other.test table.test xn--mller-kva.test", "x.a.test never.test not.test x.table.test x.below.test"},
		{rewrite.MatcherOptions{Subdomains: true}, "a.test x.dot.test x.below.test table.test", "x.a.test dot.test not.test x.par.test"},
		{rewrite.MatcherOptions{Parents: true}, "a.test x.a.test x.y.table.test x.file.test par.test x.par.test", "not.test x.not.test ya.test"},
	} {
		tt.o.Open = open
		m, err := rewrite.ParseDomains(t.Context(), []string{"!not.test", "A.test", ".dot.test", "müller.test", filepath.Join(dir, "more"), "hash:x"}, tt.o)
		require.NoError(t, err)
		for _, d := range strings.Fields(tt.yes) {
			ok, err := m.Match(t.Context(), d)
			require.NoError(t, err)
			require.True(t, ok, d)
		}
		for _, d := range strings.Fields(tt.no) {
			ok, err := m.Match(t.Context(), d)
			require.NoError(t, err)
			require.False(t, ok, d)
		}
	}
	_, err := rewrite.ParseDomains(t.Context(), []string{"none:x"}, rewrite.MatcherOptions{Open: open})
	require.Error(t, err)
	self := filepath.Join(dir, "self")
	require.NoError(t, os.WriteFile(self, []byte(self), 0o600))
	_, err = rewrite.ParseDomains(t.Context(), []string{self}, rewrite.MatcherOptions{})
	require.ErrorContains(t, err, "too deep")
}

func TestQuoting(t *testing.T) {
	for wire, internal := range map[string]string{
		"a@b": "a@b", `"a b"@c`: "a b@c", `"a\"b"@c`: `a"b@c`, `"a\\b"@c`: `a\b@c`, `".x"@c`: ".x@c", `"a@b"@c`: "a@b@c", "alice": "alice", `"a b"`: "a b",
	} {
		require.Equal(t, internal, rewrite.Unquote(wire))
		require.Equal(t, wire, rewrite.Quote(internal))
	}
	require.Equal(t, "bob@c", rewrite.Unquote(`"bob"@c`))
}

func FuzzAddress(f *testing.F) {
	for _, a := range []string{"a@b.test", `"a b"@h.test`, "x!y%z@h.test", "@a:b@c", "@@", `"\"@h.test`, "a%h.test@h.test", "a@[1.2.3.4]", "list+x"} {
		f.Add(a, "b@c, d e <f@g> (h), \"i\"@j")
	}
	f.Fuzz(func(t *testing.T, address, value string) {
		r := &rewrite.Rules{Hostname: "mail.h.test", Origin: "h.test", Domain: "h.test", Delimiter: "+-", AppendDomain: true, Local: rewrite.List("h.test", "mail.h.test"),
			VirtualAlias: rewrite.Map{"a@h.test": value, "@c": "@h.test"}, Canonical: rewrite.Map{"x@h.test": value}, Limits: rewrite.Limits{Recursion: 20, Expansion: 20}}
		ctx := context.Background()
		full := r.Complete(address)
		require.Equal(t, rewrite.Unquote(full), rewrite.Unquote(rewrite.Quote(rewrite.Unquote(full))), "quoting loses nothing")
		list, err := r.Recipients(ctx, address)
		if err != nil {
			_, ok := errors.AsType[*rewrite.LoopError](err)
			require.True(t, ok, err)
		}
		for _, a := range append(list, address) {
			w, err := r.Resolve(ctx, "", a)
			require.NoError(t, err)
			if w.Bad {
				continue
			}
			// What an address resolves to, resolves to itself.
			again, err := r.Resolve(ctx, "", w.Recipient)
			require.NoError(t, err)
			require.Equal(t, w.Class, again.Class, "%q -> %q -> %q", a, w.Recipient, again.Recipient)
		}
		_ = r.Unlisted(ctx, "", address)
	})
}

func BenchmarkRecipients(b *testing.B) {
	alias := rewrite.Map{}
	for i := range 100_000 {
		alias[fmt.Sprintf("u%d@d%d.test", i, i%10_000)] = fmt.Sprintf("box%d@mail.test", i)
	}
	r := &rewrite.Rules{Hostname: "h.test", Origin: "h.test", Delimiter: "+", Local: rewrite.List("h.test"), VirtualMailbox: rewrite.List("mail.test"), VirtualAlias: alias}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 7919) % 100_000
		list, err := r.Recipients(b.Context(), fmt.Sprintf("u%d@d%d.test", i, i%10_000))
		if err != nil || len(list) != 1 {
			b.Fatal(list, err)
		}
		if _, err := r.Resolve(b.Context(), "", list[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// What a mail system writes as exists wherever it is local (postmaster: RFC 5321 section 4.5.1), and nowhere else; its owner may have other names.
func TestKnownLocals(t *testing.T) {
	r := &rewrite.Rules{Hostname: "mail.here.test", Origin: "here.test", Local: rewrite.List("here.test"), Relay: rewrite.List("relay.test"), LocalRecipients: rewrite.Map{}, RelayRecipients: rewrite.Map{}}
	for _, a := range []string{"Postmaster@here.test", "MAILER-DAEMON@here.test", "double-bounce@here.test", "postmaster"} {
		require.Nil(t, r.Unlisted(t.Context(), "", a), a)
	}
	for _, a := range []string{"postmaster@relay.test", "postmaster+x@here.test", "bounce@here.test"} {
		require.NotNil(t, r.Unlisted(t.Context(), "", a), a)
	}
	r.Known = []string{"bounce"}
	require.Nil(t, r.Unlisted(t.Context(), "", "bounce@here.test"))
	require.NotNil(t, r.Unlisted(t.Context(), "", "double-bounce@here.test"))
}
