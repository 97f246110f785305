package storetest

import (
	"context"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func testNamespaces(s *sharing) {
	list, err := s.other.a.(mail.NamespaceAccount).Namespaces(s.ctx)
	s.ok(err)
	s.equal(mail.Namespace{Kind: mail.PersonalNamespace}, list[0])
	for _, n := range list[1:] {
		require.True(s, strings.HasSuffix(n.Prefix, "/") && len(n.Prefix) > 1, "%q", n.Prefix)
		// A user's own mailboxes can't lie there.
		_, err := s.other.a.Create(s.ctx, strings.TrimSuffix(n.Prefix, "/"), nil)
		require.Error(s, err)
		_, err = s.other.a.Create(s.ctx, n.Prefix+"x", nil)
		require.Error(s, err)
	}
	s.equal([]string{"INBOX"}, s.other.names())
	s.equal([]string{"INBOX"}, s.names())
	// One's own are not among others'.
	_, err = s.a.Open(s.ctx, s.name("INBOX"))
	s.is(err, mail.ErrNoMailbox)
}

// "if the user has 'l' right to a mailbox 'A/B', but not to its parent mailbox 'A', the LIST command should behave as if the
// mailbox 'A' doesn't exist" (RFC 4314 section 4). Such a level is only a parent.
func testListParents(s *sharing) {
	s.create("a/b/c")
	s.create("a/x")
	s.grant("a/b", Other, "lr")
	prefix := strings.TrimSuffix(s.others, "/")
	var want []string
	for i := range prefix {
		if prefix[i] == '/' {
			want = append(want, prefix[:i])
		}
	}
	want = append(append([]string{"INBOX"}, want...), prefix, prefix+"/"+Account, s.name("a"), s.name("a/b"))
	s.equal(want, s.other.names())
	for _, info := range s.other.list() {
		s.equal(strings.HasPrefix(s.name("a"), info.Name), info.NoSelect)
		s.equal(info.NoSelect, info.HasChildren)
		require.True(s, !info.NoSelect || info.ID == "" || info.Name != s.name("a"))
	}
	s.equal(s.info("a/b").ID, s.other.info(s.name("a/b")).ID)
	_, err := s.other.a.Open(s.ctx, s.name("a"))
	s.is(err, mail.ErrNoMailbox)
}

// "When a new mailbox is created, it SHOULD inherit the ACL from the parent mailbox"; "The DELETE command MUST delete the ACL"
// (RFC 4314 section 4).
func testInherit(s *sharing) {
	s.create("box")
	s.grant("box", Other, "lrkx")
	s.grant("box", "-"+Third, "w")
	s.create("box/far/kid")
	for _, name := range []string{"box/far", "box/far/kid"} {
		s.equal(map[string]string{Other: "lrkx", "-" + Third: "w"}, s.acl(name))
	}
	info, err := s.other.a.Create(s.ctx, s.name("box/others"), nil)
	s.ok(err)
	s.equal(s.name("box/others"), info.Name)
	s.equal("lrkx", s.other.rights(info.Name))
	s.equal("lrswipkxtea", s.rights("box/others"))
	_, err = s.other.a.Create(s.ctx, info.Name, nil)
	s.is(err, mail.ErrExists)
	s.ok(s.other.a.Delete(s.ctx, info.Name))
	require.Nil(s, s.info("box/others"))
	s.grant("box", Other, "")
	s.ok(s.a.Delete(s.ctx, "box/far/kid"))
	s.ok(s.a.Delete(s.ctx, "box/far"))
	s.create("box/far")
	s.equal(map[string]string{"-" + Third: "w"}, s.acl("box/far"))
}

// "The RENAME command SHOULD NOT change the ACLs on the renamed mailbox and submailboxes."
func testRenameKeepsACL(s *sharing) {
	owners, others := s.share("a", "lrsx")
	s.create("free")
	s.grant("free", Other, "lk")
	s.create("a/kid")
	s.grant("a/kid", Other, "li")
	s.add(owners, text(1))
	s.set(others, mail.FlagsAdd, []string{`\Seen`}, 1)
	s.ok(s.a.Rename(s.ctx, "a", "free/b"))
	s.equal(s.name("free/b"), others.Info().Name)
	s.equal(map[string]string{Other: "lrsx"}, s.acl("free/b"))
	s.equal(map[string]string{Other: "li"}, s.acl("free/b/kid"))
	s.equal(`\Seen`, strings.Join(s.one(others, 1).Flags.Names(), " "))
	s.equal(`\Seen`, strings.Join(s.one(s.other.open(s.name("free/b")), 1).Flags.Names(), " "))
	s.ok(s.other.a.Rename(s.ctx, s.name("free/b"), s.name("free/c")))
	s.equal("free/c", owners.Info().Name)
	require.NotNil(s, s.info("free/c/kid"))
}

// "A mailbox stays in its tree."
func testOtherTrees(s *sharing) {
	s.share("box", "lrswipkxtea")
	s.other.create("mine")
	before := s.other.names()
	s.is(s.other.a.Rename(s.ctx, s.name("box"), "mine/box"), mail.ErrBadName)
	s.is(s.other.a.Rename(s.ctx, "mine", s.name("box/mine")), mail.ErrBadName)
	s.grant("INBOX", Other, "lrswipkxtea")
	require.Error(s, s.other.a.Rename(s.ctx, s.name("INBOX"), s.name("box/inbox")))
	require.Error(s, s.other.a.Delete(s.ctx, s.name("INBOX")))
	s.grant("INBOX", Other, "")
	s.equal(before, s.other.names())
}

func testSharedSubscriptions(s *sharing) {
	s.share("box", "lr")
	s.ok(s.other.a.Subscribe(s.ctx, s.name("box"), true))
	s.ok(s.other.a.Subscribe(s.ctx, s.name("never"), true))
	require.True(s, s.other.info(s.name("box")).Subscribed)
	require.False(s, s.info("box").Subscribed)
	s.grant("box", Other, "")
	info, never := s.other.info(s.name("box")), s.other.info(s.name("never"))
	require.True(s, info.Subscribed && info.NonExistent)
	never.Name = info.Name
	s.equal(never, info)
	s.ok(s.other.a.Subscribe(s.ctx, s.name("box"), false))
	require.Nil(s, s.other.info(s.name("box")))
}

// A watched account is told of changes in the mailboxes of others that the user can see, and of their coming.
func testWatchAccount(s *sharing) {
	w, ok := s.other.a.(mail.AccountWatcher)
	if !ok {
		s.Skip("the store's accounts can't be watched")
	}
	woken := make(chan struct{}, 100)
	cancel := w.Watch(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	ctx, stop := context.WithTimeout(s.ctx, 10*time.Second)
	defer stop()
	wait := func(what string, done func() bool) {
		s.Helper()
		for !done() {
			select {
			case <-woken:
			case <-ctx.Done():
				require.FailNow(s, "no wake-up after "+what)
			}
		}
	}
	owners := s.create("box")
	name := s.name("box")
	s.grant("box", Other, "lr")
	wait("sharing", func() bool { return s.other.info(name) != nil })
	status := func() mail.State {
		st, err := s.other.a.Status(s.ctx, name)
		s.ok(err)
		return st
	}
	s.add(owners, text(1))
	wait("append", func() bool { return status().Messages == 1 })
	s.set(owners, mail.FlagsAdd, []string{`\Flagged`}, 1)
	wait("flag change", func() bool { return status().HighestModSeq >= s.state(owners).HighestModSeq })
	s.other.create("mine")
	wait("own mailbox", func() bool { return s.other.info("mine") != nil })
	s.grant("box", Other, "")
	wait("rights taken", func() bool { return s.other.info(name) == nil })
	cancel()
	cancel()
}
