package storetest

import (
	"slices"
	"testing"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// The others that [RunSharing] knows besides Account, and a group. Other is in the group, Third is not.
const (
	Other = "binh@example.test"
	Third = "chi@example.test"
	Group = "staff"
)

// RunSharing tests stores whose accounts are a [mail.SharingAccount] and a [mail.NamespaceAccount] with a namespace of
// other users'. open returns a new and empty one for each call; Account, Other and Third are to be had, and Other is in
// Group, the others are not. The suite of Run for messages is done once more, by Other in a mailbox of Account's.
func RunSharing(t *testing.T, open func(t *testing.T) mail.Store) {
	t.Run("Matrix", func(t *testing.T) { runMatrix(t, open) })
	for _, c := range []struct {
		name string
		f    func(*sharing)
	}{
		{"Namespaces", testNamespaces},
		{"OwnersRights", testOwnersRights},
		{"SetACL", testSetACL},
		{"Identifiers", testIdentifiers},
		{"Negative", testNegative},
		{"Hidden", testHidden},
		{"ListParents", testListParents},
		{"Inherit", testInherit},
		{"RenameKeepsACL", testRenameKeepsACL},
		{"OtherTrees", testOtherTrees},
		{"Subscriptions", testSharedSubscriptions},
		{"FlagsInPart", testFlagsInPart},
		{"AppendFlags", testAppendFlags},
		{"Seen", testSeen},
		{"SeenModSeq", testSeenModSeq},
		{"SeenCopied", testSeenCopied},
		{"SeenExpunged", testSeenExpunged},
		{"Post", testPost},
		{"Metadata", testSharedMetadata},
		{"Revoked", testRevoked},
		{"WatchAccount", testWatchAccount},
		{"ConcurrentSeen", testConcurrentSeen},
	} {
		t.Run(c.name, func(t *testing.T) { c.f(newSharing(t, open(t))) })
	}
	t.Run("AsOther", func(t *testing.T) {
		run(t, tests[slices.IndexFunc(tests, func(c test) bool { return c.name == "Status" }):], func(t *testing.T) mail.Store { return lend(t, open(t)) })
	})
}

// sharing is a test's store with everybody's account open.
type sharing struct {
	*env              // of Account
	other, third *env // their views
	others       string
}

func newSharing(t *testing.T, s mail.Store) *sharing {
	one := func(name string) *env {
		a, err := s.Account(t.Context(), name)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, a.Close()) })
		return &env{T: t, ctx: t.Context(), store: s, a: a}
	}
	out := &sharing{env: one(Account), other: one(Other), third: one(Third)}
	out.others = othersPrefix(t, out.a)
	return out
}

// othersPrefix returns the prefix of others' mailboxes.
func othersPrefix(t *testing.T, a mail.Account) string {
	n, ok := a.(mail.NamespaceAccount)
	require.True(t, ok, "the account is no mail.NamespaceAccount")
	list, err := n.Namespaces(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(list, func(n mail.Namespace) bool { return n.Kind == mail.OtherUsersNamespace })
	require.GreaterOrEqual(t, i, 0, "no namespace of other users'")
	return list[i].Prefix
}

func sharingOf(a mail.Account) mail.SharingAccount { return a.(mail.SharingAccount) }

// name is how others know one of Account's mailboxes.
func (s *sharing) name(mailbox string) string { return s.others + Account + "/" + mailbox }

// grant sets an entry of one of Account's mailboxes.
func (s *sharing) grant(mailbox, identifier, rights string) {
	s.Helper()
	s.ok(sharingOf(s.a).SetACL(s.ctx, mailbox, identifier, mail.RightsReplace, parseRights(rights)))
}

func parseRights(letters string) mail.Rights {
	r, ok := mail.ParseRights(letters)
	if !ok {
		panic(letters)
	}
	return r
}

// share makes one of Account's mailboxes with an entry for Other, and opens it as both.
func (s *sharing) share(mailbox, rights string) (owners, others mail.Mailbox) {
	s.Helper()
	owners = s.create(mailbox)
	s.grant(mailbox, Other, rights)
	return owners, s.other.open(s.name(mailbox))
}

// rights returns what a user may do, "" where the mailbox doesn't exist for the user.
func (e *env) rights(mailbox string) string {
	e.Helper()
	r, err := sharingOf(e.a).Rights(e.ctx, mailbox)
	if r == 0 {
		e.is(err, mail.ErrNoMailbox)
		return ""
	}
	e.ok(err)
	return r.String()
}

// acl returns a mailbox's entries but the owner's.
func (e *env) acl(mailbox string) map[string]string {
	e.Helper()
	list, err := sharingOf(e.a).ACL(e.ctx, mailbox)
	e.ok(err)
	out := map[string]string{}
	for _, entry := range list {
		if entry.Identifier != "owner" && entry.Identifier != Account {
			out[entry.Identifier] = entry.Rights.String()
		}
	}
	return out
}

// lend wraps a store so that its account Account is Other's look at a mailbox tree of Account's in which Other may do all:
// what is true of a mailbox is true of a shared one.
func lend(t *testing.T, s mail.Store) mail.Store {
	a, err := s.Account(t.Context(), Account)
	require.NoError(t, err)
	defer a.Close()
	_, err = a.Create(t.Context(), "lent/INBOX", nil)
	require.NoError(t, err)
	for _, name := range []string{"lent", "lent/INBOX"} {
		require.NoError(t, sharingOf(a).SetACL(t.Context(), name, Other, mail.RightsReplace, mail.AllRights))
	}
	return lentStore{s, othersPrefix(t, a) + Account + "/lent/"}
}
