package storetest

import (
	"strings"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// The owner may do all, and can't lose what it takes to get the rest back.
func testOwnersRights(s *sharing) {
	s.create("own")
	for _, name := range []string{"INBOX", "own"} {
		s.equal("lrswipkxtea", s.rights(name))
		s.equal(map[string]string{}, s.acl(name))
		always, grantable, err := sharingOf(s.a).Grantable(s.ctx, name, Account)
		s.ok(err)
		require.True(s, always.Has(mail.RightLookup|mail.RightAdmin), "%q", always)
		require.Zero(s, always&grantable)
	}
	always, grantable, err := sharingOf(s.a).Grantable(s.ctx, "own", Other)
	s.ok(err)
	s.equal(mail.AllRights, always|grantable)
	// What the owner gives up holds for the owner, and can be taken back.
	s.ok(sharingOf(s.a).SetACL(s.ctx, "own", "owner", mail.RightsReplace, mail.AllRights&^mail.RightInsert))
	_, err = add(s.ctx, s.open("own"), text(1), nil)
	s.is(err, mail.ErrPermission)
	s.ok(sharingOf(s.a).SetACL(s.ctx, "own", "owner", mail.RightsReplace, 0))
	require.True(s, parseRights(s.rights("own")).Has(mail.RightLookup|mail.RightAdmin))
	s.ok(sharingOf(s.a).SetACL(s.ctx, "own", "owner", mail.RightsReplace, mail.AllRights))
	s.add(s.open("own"), text(1))
}

// SETACL replaces, adds and removes (RFC 4314 section 3.1).
func testSetACL(s *sharing) {
	s.create("box")
	a := sharingOf(s.a)
	for _, step := range []struct {
		op          mail.RightsOp
		change, now string
	}{
		{mail.RightsReplace, "lr", "lr"}, {mail.RightsAdd, "sw", "lrsw"}, {mail.RightsAdd, "", "lrsw"}, {mail.RightsRemove, "rx", "lsw"},
		{mail.RightsReplace, "i", "i"}, {mail.RightsRemove, "lrswipkxtea", ""}, {mail.RightsRemove, "l", ""}, {mail.RightsAdd, "l", "l"},
		{mail.RightsReplace, "", ""},
	} {
		s.ok(a.SetACL(s.ctx, "box", Other, step.op, parseRights(step.change)))
		want := map[string]string{}
		if step.now != "" {
			want[Other] = step.now
		}
		s.equal(want, s.acl("box"))
		s.equal(step.now, s.other.rights(s.name("box")))
	}
	for _, id := range []string{"", "-", "$", "-$", "a\nb", "a\x00", strings.Repeat("x", 5000)} {
		require.ErrorIs(s, a.SetACL(s.ctx, "box", id, mail.RightsAdd, mail.RightRead), mail.ErrBadName, "%q", id)
	}
	for _, id := range []string{"nobody@else.test", "with space", `quo"te`, "tiếng-việt", "#hash"} {
		s.ok(a.SetACL(s.ctx, "box", id, mail.RightsReplace, mail.RightRead))
		s.equal("r", s.acl("box")[id])
		s.ok(a.SetACL(s.ctx, "box", id, mail.RightsReplace, 0))
	}
	s.equal(map[string]string{}, s.acl("box"))
	s.is(a.SetACL(s.ctx, "never", Other, mail.RightsAdd, mail.RightRead), mail.ErrNoMailbox)
	_, err := a.ACL(s.ctx, "never")
	s.is(err, mail.ErrNoMailbox)
}

// "anyone" and groups (RFC 4314 section 2).
func testIdentifiers(s *sharing) {
	s.create("box")
	name := s.name("box")
	s.grant("box", "anyone", "lr")
	s.equal("lr", s.other.rights(name))
	s.equal("lr", s.third.rights(name))
	require.NotNil(s, s.third.info(name))
	s.grant("box", "anyone", "")
	s.grant("box", "$"+Group, "lrs")
	s.equal("lrs", s.other.rights(name))
	s.equal("", s.third.rights(name))
	require.NotNil(s, s.other.info(name))
	require.Nil(s, s.third.info(name))
	s.equal(map[string]string{"$" + Group: "lrs"}, s.acl("box"))
	s.grant("box", Third, "lri")
	s.equal("lri", s.third.rights(name))
	s.equal("lrs", s.other.rights(name))
}

// "an identifier with '-' … that associated rights are to be removed" (RFC 4314 section 2).
func testNegative(s *sharing) {
	s.create("box")
	name := s.name("box")
	s.grant("box", "$"+Group, "lrsw")
	s.grant("box", "-"+Other, "w")
	s.equal("lrs", s.other.rights(name))
	s.grant("box", "-"+Other, "lrsw")
	s.equal("", s.other.rights(name))
	s.grant("box", "-"+Other, "")
	s.equal("lrsw", s.other.rights(name))
	s.grant("box", "-$"+Group, "s")
	s.equal("lrw", s.other.rights(name))
	// Deleting "fred" doesn't touch "-fred".
	s.grant("box", Other, "lri")
	s.grant("box", "-"+Other, "i")
	s.grant("box", Other, "")
	s.equal(map[string]string{"$" + Group: "lrsw", "-$" + Group: "s", "-" + Other: "i"}, s.acl("box"))
}

// What the user may not know of gives the errors of what is not there (RFC 4314 section 6).
func testHidden(s *sharing) {
	s.create("secret/box")
	s.create("open")
	s.grant("open", Other, "lr")
	a, acl := s.other.a, sharingOf(s.other.a)
	for _, call := range []func(name string) error{
		func(n string) error { _, err := a.Open(s.ctx, n); return err },
		func(n string) error { _, err := a.Status(s.ctx, n); return err },
		func(n string) error { _, err := a.Create(s.ctx, n+"/kid", nil); return err },
		func(n string) error { _, err := a.Create(s.ctx, n, nil); return err },
		func(n string) error { return a.Delete(s.ctx, n) },
		func(n string) error { return a.Rename(s.ctx, n, s.name("open/x")) },
		func(n string) error { return a.Rename(s.ctx, "INBOX", n) },
		func(n string) error { return a.Subscribe(s.ctx, n, true) },
		func(n string) error { return a.Subscribe(s.ctx, n, false) },
		func(n string) error { _, err := acl.Rights(s.ctx, n); return err },
		func(n string) error { _, err := acl.ACL(s.ctx, n); return err },
		func(n string) error { return acl.SetACL(s.ctx, n, Other, mail.RightsAdd, mail.AllRights) },
		func(n string) error { _, _, err := acl.Grantable(s.ctx, n, Other); return err },
	} {
		say := func(n string) string {
			err := call(n)
			if err == nil {
				return ""
			}
			return strings.ReplaceAll(err.Error(), n, "NAME")
		}
		want := say(s.name("absent/box"))
		for _, n := range []string{s.name("secret/box"), s.name("secret"), s.name("INBOX"), s.others + "nobody@example.test/box"} {
			s.equal(want, say(n))
		}
	}
	for _, n := range s.other.names() {
		require.NotContains(s, n, "secret")
	}
}

// Rights that are taken away are gone for mailboxes that are open.
func testRevoked(s *sharing) {
	owners, others := s.share("box", "lrsi")
	s.add(owners, text(1))
	s.equal(uint32(1), s.state(others).Messages)
	s.grant("box", Other, "l")
	_, err := others.State(s.ctx)
	s.is(err, mail.ErrPermission)
	s.grant("box", Other, "")
	_, err = others.State(s.ctx)
	s.is(err, mail.ErrNoMailbox)
	require.Nil(s, s.other.info(s.name("box")))
	s.grant("box", Other, "lr")
	s.equal(uint32(1), s.state(others).Messages)
	require.NotNil(s, s.other.info(s.name("box")))
}

// "Private entries belong to the user who asks, shared ones to everybody who can read the mailbox."
func testSharedMetadata(s *sharing) {
	own, ok := s.a.(mail.MetadataAccount)
	if !ok {
		s.Skip("the store keeps no annotations")
	}
	others := s.other.a.(mail.MetadataAccount)
	s.create("box")
	s.grant("box", Other, "lr")
	set := func(a mail.MetadataAccount, mailbox, name, value string) {
		s.Helper()
		s.ok(a.SetMetadata(s.ctx, mailbox, []mail.Annotation{{Name: name, Value: []byte(value)}}))
	}
	get := func(a mail.MetadataAccount, mailbox string) map[string]string {
		s.Helper()
		list, err := a.Metadata(s.ctx, mailbox, nil)
		s.ok(err)
		out := map[string]string{}
		for _, n := range list {
			out[n.Name] = string(n.Value)
		}
		return out
	}
	set(own, "box", "/private/comment", "mine")
	set(own, "box", "/shared/comment", "ours")
	s.equal(map[string]string{"/shared/comment": "ours"}, get(others, s.name("box")))
	s.ok(others.SetMetadata(s.ctx, s.name("box"), []mail.Annotation{
		{Name: "/private/comment", Value: []byte("his")}, {Name: "/shared/comment", Value: []byte("all's")}}))
	s.equal(map[string]string{"/private/comment": "his", "/shared/comment": "all's"}, get(others, s.name("box")))
	s.equal(map[string]string{"/private/comment": "mine", "/shared/comment": "all's"}, get(own, "box"))
	s.ok(others.SetMetadata(s.ctx, s.name("box"), []mail.Annotation{{Name: "/private/comment"}, {Name: "/shared/comment"}}))
	s.equal(map[string]string{}, get(others, s.name("box")))
	s.equal(map[string]string{"/private/comment": "mine"}, get(own, "box"))
	s.equal(map[string]string{}, get(others, ""))
}
