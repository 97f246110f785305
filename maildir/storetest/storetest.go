// Package storetest is the contract of package mail's stores as a test suite. A store that passes it may stand behind
// the IMAP and POP3 servers:
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) mail.Store { return &mystore.Store{Dir: t.TempDir()} })
//	}
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// Account is the name of the account that the suite uses. The stores must have it, or make it when it is opened, and it
// must be empty.
const Account = "alice@example.test"

// Run tests the stores that open returns, a new and empty one for each call. What a test leaves open is closed at its end.
func Run(t *testing.T, open func(t *testing.T) mail.Store) { run(t, tests, open) }

type test struct {
	name string
	f    func(*env)
}

var tests = []test{
	{"Inbox", testInbox},
	{"Create", testCreate},
	{"Names", testNames},
	{"BadNames", testBadNames},
	{"ListOrder", testListOrder},
	{"Delete", testDelete},
	{"DeleteOpen", testDeleteOpen},
	{"Recreate", testRecreate},
	{"Rename", testRename},
	{"RenameErrors", testRenameErrors},
	{"RenameInbox", testRenameInbox},
	{"Subscribe", testSubscribe},
	{"SpecialUse", testSpecialUse},
	{"Status", testStatus},
	{"Append", testAppend},
	{"AppendMany", testAppendMany},
	{"AppendAbort", testAppendAbort},
	{"AppendBrokenStream", testAppendBrokenStream},
	{"AppendToken", testAppendToken},
	{"AppendGUID", testAppendGUID},
	{"AppendSizes", testAppendSizes},
	{"Body", testBody},
	{"BodyExpunged", testBodyExpunged},
	{"SetFlags", testSetFlags},
	{"Keywords", testKeywords},
	{"UnchangedSince", testUnchangedSince},
	{"Expunge", testExpunge},
	{"ExpungeOnlyDeleted", testExpungeOnlyDeleted},
	{"Copy", testCopy},
	{"CopyToItself", testCopyToItself},
	{"CopyErrors", testCopyErrors},
	{"Move", testMove},
	{"Changes", testChanges},
	{"ChangesOnce", testChangesOnce},
	{"MessagesAsOfOneMoment", testMoment},
	{"Recent", testRecent},
	{"Watch", testWatch},
	{"QuotaLimits", testQuotaLimits},
	{"QuotaUsage", testQuotaUsage},
	{"QuotaRefusal", testQuotaRefusal},
	{"QuotaAtOnce", testQuotaAtOnce},
	{"Metadata", testMetadata},
	{"MetadataErrors", testMetadataErrors},
	{"MetadataMoves", testMetadataMoves},
	{"Cancelled", testCancelled},
	{"AccountClose", testAccountClose},
	{"SearchText", testSearchText},
	{"SearchTextNow", testSearchTextNow},
	{"SearchTextModel", testSearchTextModel},
	{"SearchThread", testSearchThread},
	{"Bodies", testBodies},
	{"Sessions", testSessions},
	{"Model", testModel},
	{"ConcurrentPollers", testPollers},
	{"ConcurrentMoves", testMoves},
	{"ConcurrentFlags", testConcurrentFlags},
}

func run(t *testing.T, tests []test, open func(t *testing.T) mail.Store) {
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			e := &env{T: t, ctx: t.Context(), store: s}
			a, err := s.Account(e.ctx, Account)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, a.Close()) })
			e.a = a
			c.f(e)
		})
	}
}

// env is one test's store, with its account open.
type env struct {
	*testing.T
	ctx   context.Context
	store mail.Store
	a     mail.Account
}

func (e *env) ok(err error) {
	e.Helper()
	require.NoError(e.T, err)
}

func (e *env) is(err, target error) {
	e.Helper()
	require.ErrorIs(e.T, err, target)
}

func (e *env) equal(want, got any) {
	e.Helper()
	require.Equal(e.T, want, got)
}

// open opens a mailbox until the end of the test.
func (e *env) open(name string) mail.Mailbox {
	e.Helper()
	m, err := e.a.Open(e.ctx, name)
	e.ok(err)
	e.Cleanup(func() { m.Close() })
	return m
}

// create makes a mailbox and opens it.
func (e *env) create(name string) mail.Mailbox {
	e.Helper()
	_, err := e.a.Create(e.ctx, name, nil)
	e.ok(err)
	return e.open(name)
}

func (e *env) list() []mail.MailboxInfo {
	e.Helper()
	var out []mail.MailboxInfo
	for info, err := range e.a.Mailboxes(e.ctx) {
		e.ok(err)
		out = append(out, info)
	}
	return out
}

func (e *env) names() []string {
	e.Helper()
	var out []string
	for _, info := range e.list() {
		out = append(out, info.Name)
	}
	return out
}

// info returns the list's entry of name, nil when there is none.
func (e *env) info(name string) *mail.MailboxInfo {
	e.Helper()
	for _, info := range e.list() {
		if info.Name == name {
			return &info
		}
	}
	return nil
}

func (e *env) state(m mail.Mailbox) mail.State {
	e.Helper()
	st, err := m.State(e.ctx)
	e.ok(err)
	return st
}

// text is a message that can be told from others by n.
func text(n int) string {
	return fmt.Sprintf("Subject: message %d\r\nMIME-Version: 1.0\r\n\r\nText of message %d.\r\n", n, n)
}

// add appends one message and returns its UID.
func (e *env) add(m mail.Mailbox, content string, flags ...string) mail.UID {
	e.Helper()
	got, err := add(e.ctx, m, content, &mail.AppendOptions{Flags: mail.NewFlags(flags...)})
	e.ok(err)
	require.Len(e.T, got.UIDs, 1)
	return got.UIDs[0]
}

func add(ctx context.Context, m mail.Mailbox, content string, opts *mail.AppendOptions) (mail.Appended, error) {
	a, err := m.Append(ctx)
	if err != nil {
		return mail.Appended{}, err
	}
	defer a.Abort()
	if err := a.Add(ctx, strings.NewReader(content), opts); err != nil {
		return mail.Appended{}, err
	}
	return a.Commit(ctx)
}

const allFields = mail.FieldFlags | mail.FieldDate | mail.FieldSize | mail.FieldGUID

func (e *env) messages(m mail.Mailbox) []mail.Message {
	e.Helper()
	out, err := messages(e.ctx, m, mail.AllUIDs(), allFields)
	e.ok(err)
	return out
}

func messages(ctx context.Context, m mail.Mailbox, set mail.UIDSet, f mail.Fields) ([]mail.Message, error) {
	var out []mail.Message
	for msg, err := range m.Messages(ctx, set, f) {
		if err != nil {
			return out, err
		}
		if n := len(out); n > 0 && out[n-1].UID >= msg.UID {
			return out, errors.New("messages are not in ascending order")
		}
		out = append(out, msg)
	}
	return out, nil
}

func (e *env) uids(m mail.Mailbox) []mail.UID {
	e.Helper()
	out := []mail.UID{}
	for _, msg := range e.messages(m) {
		out = append(out, msg.UID)
	}
	return out
}

// one returns one message.
func (e *env) one(m mail.Mailbox, uid mail.UID) mail.Message {
	e.Helper()
	out, err := messages(e.ctx, m, mail.UIDSetOf(uid), allFields)
	e.ok(err)
	require.Len(e.T, out, 1)
	return out[0]
}

func (e *env) content(m mail.Mailbox, uid mail.UID) string {
	e.Helper()
	s, err := content(e.ctx, m, uid)
	e.ok(err)
	return s
}

func content(ctx context.Context, m mail.Mailbox, uid mail.UID) (string, error) {
	b, err := m.OpenBody(ctx, uid)
	if err != nil {
		return "", err
	}
	defer b.Close()
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.NewSectionReader(b, 0, b.Size())); err != nil {
		return "", err
	}
	return out.String(), nil
}

func (e *env) set(m mail.Mailbox, op mail.FlagOp, flags []string, uids ...mail.UID) mail.FlagResult {
	e.Helper()
	r, err := m.SetFlags(e.ctx, mail.UIDSetOf(uids...), mail.FlagChange{Op: op, Flags: mail.NewFlags(flags...)})
	e.ok(err)
	return r
}

func (e *env) changes(m mail.Mailbox, since mail.ModSeq) mail.Changes {
	e.Helper()
	c, err := m.Changes(e.ctx, since)
	e.ok(err)
	return c
}

func changedUIDs(c mail.Changes) []mail.UID {
	out := []mail.UID{}
	for _, m := range c.Changed {
		out = append(out, m.UID)
	}
	return out
}

// aDate is an internal date with all that must be kept: seconds, another zone than UTC.
var aDate = time.Date(1996, 7, 17, 2, 44, 25, 0, time.FixedZone("", -7*3600))
