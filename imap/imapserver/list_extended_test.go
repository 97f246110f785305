package imapserver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// tree makes mailboxes and subscriptions.
func (f *fixture) tree(boxes, subscribed string) *peer {
	f.Helper()
	for name := range strings.FieldsSeq(boxes) {
		f.box(name)
	}
	p := f.login("")
	for name := range strings.FieldsSeq(subscribed) {
		p.do("x SUBSCRIBE " + name)
	}
	return p
}

// RFC 5258 section 5, example 8: "the difference between the \HasChildren attribute and the CHILDINFO extended data item".
func TestChildInfo(t *testing.T) {
	f := newFixture(t, nil)
	p := f.tree("Foo Foo/Bar Foo/Baz Moo", "Foo/Baz")
	p.dialogue(`
		C: CA3 LIST "" "%" RETURN (CHILDREN)
		S: * LIST (\HasNoChildren) "/" INBOX
		S: * LIST (\HasChildren) "/" Foo
		S: * LIST (\HasNoChildren) "/" Moo
		S: CA3 OK LIST completed.
		A)
		C: C02 LIST (SUBSCRIBED) "" "*"
		S: * LIST (\Subscribed \HasNoChildren) "/" Foo/Baz
		S: C02 OK LIST completed.
		C: C03 LIST (SUBSCRIBED) "" "%"
		S: C03 OK LIST completed.
		C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
		S: * LIST (\HasChildren) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))
		S: C04 OK LIST completed.
		A1) If the mailbox "Foo" had also been subscribed
		C: s SUBSCRIBE Foo
		S: s OK SUBSCRIBE completed.
		C: C05 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
		S: * LIST (\Subscribed \HasChildren) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))
		S: C05 OK LIST completed.
		C) only the mailboxes "Foo" and "Moo" are subscribed
		C: t UNSUBSCRIBE Foo/Baz
		S: t OK UNSUBSCRIBE completed.
		C: u SUBSCRIBE Moo
		S: u OK SUBSCRIBE completed.
		C: C06 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%" RETURN (CHILDREN)
		S: * LIST (\Subscribed \HasChildren) "/" Foo
		S: * LIST (\Subscribed \HasNoChildren) "/" Moo
		S: C06 OK LIST completed.`)
	// A2: "Foo" is not there, and what is subscribed below it neither.
	f = newFixture(t, nil)
	f.tree("Moo", "Foo/Baz").dialogue(`
		C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
		S: * LIST (\NonExistent \HasNoChildren) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))
		S: C04 OK LIST completed.
		B) no mailbox is subscribed
		C: x UNSUBSCRIBE Foo/Baz
		S: x OK UNSUBSCRIBE completed.
		C: C05 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
		S: C05 OK LIST completed.`)
}

// RFC 5258 section 5, example 9: CHILDINFO "is returned whether or not children mailboxes match the canonical LIST pattern", and not
// for "baz2" and "qux2", where it would be redundant (section 3.5).
func TestRecursiveMatch(t *testing.T) {
	f := newFixture(t, nil)
	f.tree("foo2 foo2/bar1 foo2/bar2 baz2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba qux2/bar2",
		"foo2/bar1 foo2/bar2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba qux2/bar2").dialogue(`
		C: D03 LIST (RECURSIVEMATCH SUBSCRIBED) "" "*2"
		S: * LIST (\Subscribed \HasNoChildren) "/" baz2/bar2
		S: * LIST (\Subscribed \HasNoChildren) "/" baz2/bar22
		S: * LIST (\Subscribed \HasNoChildren) "/" baz2/bar222
		S: * LIST (\Subscribed \HasChildren) "/" eps2 ("CHILDINFO" ("SUBSCRIBED"))
		S: * LIST (\HasChildren) "/" foo2 ("CHILDINFO" ("SUBSCRIBED"))
		S: * LIST (\Subscribed \HasNoChildren) "/" foo2/bar2
		S: * LIST (\Subscribed \HasNoChildren) "/" qux2/bar2
		S: D03 OK LIST completed.
		Section 3.1: "The RECURSIVEMATCH option MUST NOT occur as the only selection option (or only with REMOTE) … The server MUST
		return BAD"
		C: e LIST (RECURSIVEMATCH) "" *
		S: e BAD RECURSIVEMATCH needs another selection option
		C: f LIST (REMOTE RECURSIVEMATCH) "" *
		S: f BAD RECURSIVEMATCH needs another selection option
		C: g LIST (REMOTE RECURSIVEMATCH SUBSCRIBED) "" foo2
		S: * LIST (\HasChildren) "/" foo2 ("CHILDINFO" ("SUBSCRIBED"))
		S: g OK LIST completed.
		Section 3: "A server MUST respond to options it does not recognize with a BAD response", "the client SHOULD NOT specify any
		option more than once; however, if the client does this, the server MUST act as if it received the option only once".
		C: h LIST (FOO) "" *
		S: h BAD Unknown selection option
		C: i LIST "" * RETURN (FOO)
		S: i BAD Unknown return option
		C: j LIST (SUBSCRIBED SUBSCRIBED) "" eps2 RETURN (CHILDREN CHILDREN)
		S: * LIST (\Subscribed \HasChildren) "/" eps2
		S: j OK LIST completed.`)
}

// RFC 5258 section 3: "ANY extended LIST command … MUST NOT treat the empty mailbox name as such a special request", "the empty string
// MUST be ignored for the purpose of matching"; section 3.3: "At most one LIST response should be returned for each mailbox name"; return options "MUST NOT cause the server to report
// information about additional mailbox names". Example 10.
func TestListPatterns(t *testing.T) {
	f := newFixture(t, nil)
	f.tree("foo Sent Sent/March2004 Sent/August2004", "foo/bar").dialogue(`
		C: a LIST "" ("")
		S: a OK LIST completed.
		C: b LIST () "" ""
		S: b OK LIST completed.
		C: c LIST "" ("" foo)
		S: * LIST (\HasNoChildren) "/" foo
		S: c OK LIST completed.
		C: d LIST "" (INBOX inbox "Sent/%" Sent/* Drafts)
		S: * LIST (\HasNoChildren) "/" INBOX
		S: * LIST (\HasNoChildren) "/" Sent/August2004
		S: * LIST (\HasNoChildren) "/" Sent/March2004
		S: d OK LIST completed.
		C: a1 LIST "" ("foo" "foo/*") RETURN (SUBSCRIBED)
		S: * LIST (\HasNoChildren) "/" foo
		S: a1 OK LIST completed.
		C: a2 LIST (SUBSCRIBED) "" "foo/*"
		S: * LIST (\NonExistent \Subscribed \HasNoChildren) "/" foo/bar
		S: a2 OK LIST completed.
		C: a3 LIST (SUBSCRIBED RECURSIVEMATCH) "" foo RETURN (CHILDREN)
		S: * LIST (\HasNoChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))
		S: a3 OK LIST completed.
		C: e LIST Sent/ %
		S: * LIST (\HasNoChildren) "/" Sent/August2004
		S: * LIST (\HasNoChildren) "/" Sent/March2004
		S: e OK LIST completed.`)
}

// RFC 6154 section 5, and CHILDINFO with its selection option.
func TestListSpecialUse(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	p.do(`a CREATE Mail/SentMail (USE (\Sent))`)
	p.do(`b CREATE Spam (USE (\Junk))`)
	p.do(`c SUBSCRIBE Spam`)
	p.dialogue(`
		C: t3 LIST (SPECIAL-USE) "" "*"
		S: * LIST (\HasNoChildren \Sent) "/" Mail/SentMail
		S: * LIST (\HasNoChildren \Junk) "/" Spam
		S: t3 OK LIST completed.
		C: t4 LIST (SPECIAL-USE SUBSCRIBED) "" "*"
		S: * LIST (\Subscribed \HasNoChildren \Junk) "/" Spam
		S: t4 OK LIST completed.
		C: t5 LIST (SPECIAL-USE RECURSIVEMATCH) "" "%"
		S: * LIST (\HasChildren) "/" Mail ("CHILDINFO" ("SPECIAL-USE"))
		S: * LIST (\HasNoChildren \Junk) "/" Spam
		S: t5 OK LIST completed.
		What clients asked before there was RFC 6154.
		C: t6 XLIST "" "*"
		S: * XLIST (\HasNoChildren \Inbox) "/" INBOX
		S: * XLIST (\HasChildren) "/" Mail
		S: * XLIST (\HasNoChildren \Sent) "/" Mail/SentMail
		S: * XLIST (\HasNoChildren \Spam) "/" Spam
		S: t6 OK XLIST completed.
		C: t7 XLIST (SUBSCRIBED) "" *
		S: t7 BAD LIST is not extended here
		C: t8 XLIST "" ""
		S: * XLIST (\Noselect) "/" ""
		S: t8 OK XLIST completed.`)
}

// Each can be switched off.
func TestWithoutListExtensions(t *testing.T) {
	for capability, command := range map[string]string{"LIST-EXTENDED": `LIST (SUBSCRIBED) "" *`, "SPECIAL-USE": `LIST (SPECIAL-USE) "" *`,
		"LIST-STATUS": `LIST "" * RETURN (STATUS (MESSAGES))`, "LIST-METADATA": `LIST "" * RETURN (METADATA (/shared/x))`,
		"LIST-MYRIGHTS": `LIST "" * RETURN (MYRIGHTS)`, "XLIST": `XLIST "" *`} {
		f := newFixture(t, func(s *imapserver.Server) {
			s.WithoutFor = func(*mail.Identity) []imap.Capability { return []imap.Capability{imap.Capability(capability)} }
		})
		f.store.Sharing = true
		p := f.login("")
		require.NotContains(t, p.do("a CAPABILITY")[0]+" ", " "+capability+" ")
		_, status := p.try("b " + command)
		require.Contains(t, status, "b BAD", capability)
	}
}

// RFC 2342 section 5, and the order of the kinds.
func TestNamespaces(t *testing.T) {
	f := newSharing(t)
	require.Equal(t, []string{`* NAMESPACE (("" "/")) (("Users/" "/")) (("Shared/" "/"))`}, f.as("alice").do("a NAMESPACE"))
}
