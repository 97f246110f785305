package imapserver_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
)

// RFC 9208 section 4.1, with its example of two resources.
func TestQuota(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple)
	p := f.login("")
	require.Contains(t, p.do("a CAPABILITY")[0], " QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE QUOTA=RES-MAILBOX QUOTASET ")
	p.dialogue(`
		"The GETQUOTAROOT command takes a mailbox name and returns the list of quota roots for the mailbox … For each listed quota
		root, it also returns the quota root's resource usage and limits"
		C: b GETQUOTAROOT inbox
		S: * QUOTAROOT INBOX ""
		S: * QUOTA "" ()
		S: b OK GETQUOTAROOT completed.
		"Note that the mailbox name parameter doesn't have to reference an existing mailbox."
		C: c GETQUOTAROOT nowhere
		S: * QUOTAROOT nowhere ""
		S: * QUOTA "" ()
		S: c OK GETQUOTAROOT completed.
		C: d SETQUOTA "" (STORAGE 111 MESSAGE 3)
		S: * QUOTA "" (MESSAGE 2 3 STORAGE 1 111)
		S: d OK SETQUOTA completed.
		C: e GETQUOTA ""
		S: * QUOTA "" (MESSAGE 2 3 STORAGE 1 111)
		S: e OK GETQUOTA completed.
		C: f GETQUOTA nowhere
		S: f NO [NONEXISTENT] No such quota root.
		C: g SETQUOTA nowhere ()
		S: g NO [NONEXISTENT] No such quota root.
		C: h SETQUOTA "" (FOO 5)
		S: h NO [CANNOT] Resource can't be limited.
		C: i SETQUOTA "" (STORAGE 5 STORAGE 6)
		S: i BAD Resource is named twice
		C: j SETQUOTA "" STORAGE 5
		S: j BAD …
		Section 4.3.1: "The OVERQUOTA response code SHOULD be returned in the tagged NO response to an APPEND/COPY/MOVE"
		C: k APPEND INBOX {3+}
		C: abc
		S: k OK …
		C: l APPEND INBOX {3+}
		C: abc
		S: l NO [OVERQUOTA] Quota exceeded.
		C: m EXAMINE INBOX
		S: …
		S: …
		S: …
		S: …
		S: …
		S: …
		S: …
		S: …
		S: …
		S: m OK …
		C: n COPY 1 INBOX
		S: n NO [OVERQUOTA] Quota exceeded.
		"Any previous resource limits for the named quota root are discarded, even resource limits not explicitly listed"
		C: o SETQUOTA "" (MAILBOX 1)
		S: * QUOTA "" (MAILBOX 1 1)
		S: o OK SETQUOTA completed.
		C: q CREATE more
		S: q NO [OVERQUOTA] Quota exceeded.`)
}

// RFC 9208 section 4.1.4: "The DELETED status data item requests the server to return the number of messages with the \Deleted flag
// set", DELETED-STORAGE their octets.
func TestDeletedStorage(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, "a\n", "bc\n")
	p := f.login("INBOX")
	p.do(`a STORE 2:3 +FLAGS (\Deleted)`)
	p.dialogue(`
		C: b STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)
		S: * STATUS INBOX (MESSAGES 3 DELETED 2 DELETED-STORAGE 7)
		S: b OK STATUS completed.
		C: c EXPUNGE
		S: * 3 EXPUNGE
		S: * 2 EXPUNGE
		S: c OK EXPUNGE completed.
		C: d STATUS INBOX (DELETED-STORAGE)
		S: * STATUS INBOX (DELETED-STORAGE 0)
		S: d OK STATUS completed.`)
}

func TestWithoutQuota(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = append(s.Without, "QUOTA") })
	p := f.login("")
	require.NotContains(t, p.do("a CAPABILITY")[0], "QUOTA")
	p.dialogue(`
		C: b GETQUOTA ""
		S: b BAD Unknown command
		C: c SETQUOTA "" ()
		S: c BAD Unknown command
		C: d STATUS INBOX (DELETED-STORAGE)
		S: d BAD Unknown status item`)
	// One resource alone can be taken away too.
	f = newFixture(t, func(s *imapserver.Server) { s.Without = append(s.Without, "QUOTA=RES-MESSAGE", "QUOTASET") })
	f.login("").dialogue(`
		C: a GETQUOTA ""
		S: * QUOTA "" ()
		S: a OK GETQUOTA completed.
		C: b SETQUOTA "" (MESSAGE 5)
		S: b BAD Unknown command`)
}

// A store that can't do something has nothing of it announced, and its commands are unknown.
func TestPlainStore(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Store = plainStore{s.Store} })
	p := f.login("")
	for _, name := range []string{"QUOTA", "ACL", "RIGHTS", "MYRIGHTS", "METADATA", "NOTIFY"} {
		require.NotContains(t, p.do("a CAPABILITY")[0], name)
	}
	for _, command := range []string{`GETQUOTA ""`, `SETQUOTA "" ()`, "GETQUOTAROOT INBOX", "GETACL INBOX", "MYRIGHTS INBOX", "SETACL INBOX a l",
		"DELETEACL INBOX a", "LISTRIGHTS INBOX a", `GETMETADATA "" /shared/comment`, `SETMETADATA "" (/shared/comment NIL)`, "NOTIFY NONE"} {
		_, status := p.try("b " + command)
		require.Equal(t, "b BAD Unknown command", status, command)
	}
	require.Equal(t, []string{`* NAMESPACE (("" "/")) NIL NIL`}, p.do("c NAMESPACE"))
}

// plainStore hides what a store can do beyond the least.
type plainStore struct{ mail.Store }

func (s plainStore) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := s.Store.Account(ctx, name)
	return plainAccount{a}, err
}

type plainAccount struct{ mail.Account }
