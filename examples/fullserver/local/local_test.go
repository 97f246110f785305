package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// faulty is a store whose mailboxes fail as told.
type faulty struct {
	mail.Store
	open   map[string]error // by account
	add    map[string]error
	commit map[string]error
}

func (f *faulty) Account(ctx context.Context, name string) (mail.Account, error) {
	if err := f.open[name]; err != nil {
		return nil, err
	}
	a, err := f.Store.Account(ctx, name)
	return faultyAccount{a, f, name}, err
}

type faultyAccount struct {
	mail.Account
	f    *faulty
	name string
}

func (a faultyAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	b, err := a.Account.Open(ctx, name)
	return faultyBox{b, a}, err
}

type faultyBox struct {
	mail.Mailbox
	a faultyAccount
}

func (b faultyBox) Append(ctx context.Context) (mail.Append, error) {
	p, err := b.Mailbox.Append(ctx)
	return faultyAppend{p, b.a}, err
}

type faultyAppend struct {
	mail.Append
	a faultyAccount
}

func (p faultyAppend) Add(ctx context.Context, r io.Reader, o *mail.AppendOptions) error {
	if err := p.a.f.add[p.a.name]; err != nil {
		io.CopyN(io.Discard, r, 10)
		return err
	}
	return p.Append.Add(ctx, r, o)
}

func (p faultyAppend) Commit(ctx context.Context) (mail.Appended, error) {
	if err := p.a.f.commit[p.a.name]; err != nil {
		p.Append.Abort()
		return mail.Appended{}, err
	}
	return p.Append.Commit(ctx)
}

func resolve(to string) (policy.Target, error) {
	user, domain, _ := strings.Cut(to, "@")
	switch {
	case domain != "here.test":
		return policy.Target{Address: to, Class: policy.Remote, Nexthop: domain}, nil
	case user == "nobody":
		return policy.Target{}, mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "<"+to+">: User unknown")
	}
	return policy.Target{Address: to, Class: policy.Virtual, Account: strings.ToLower(to)}, nil
}

func setup() (*faulty, *local.Deliverer) {
	s := &faulty{Store: imaptest.NewStore(), open: map[string]error{}, add: map[string]error{}, commit: map[string]error{}}
	return s, &local.Deliverer{Store: s, Resolve: resolve}
}

// inbox returns the messages of an account.
func inbox(t *testing.T, s mail.Store, account string) (out []string) {
	t.Helper()
	if f, ok := s.(*faulty); ok {
		s = f.Store
	}
	a, err := s.Account(ctx, account)
	require.NoError(t, err)
	b, err := a.Open(ctx, "INBOX")
	require.NoError(t, err)
	for m, err := range b.Messages(ctx, mail.AllUIDs(), 0) {
		require.NoError(t, err)
		body, err := b.OpenBody(ctx, m.UID)
		require.NoError(t, err)
		text, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
		require.NoError(t, err)
		out = append(out, string(text))
	}
	return out
}

func send(t *testing.T, d mail.Deliverer, r io.Reader, to ...string) ([]mail.Result, error) {
	t.Helper()
	tx, err := d.Begin(ctx, "s@far.test", &mail.MailOptions{})
	require.NoError(t, err)
	defer tx.Abort()
	for _, a := range to {
		require.NoError(t, tx.Recipient(ctx, a, &mail.RcptOptions{}))
	}
	if err := tx.Body(ctx, r); err != nil {
		return nil, err
	}
	return tx.Commit(ctx)
}

const text = "Subject: x\r\n\r\nx\r\n"

// RFC 5321 section 4.4: "When the delivery SMTP server makes the 'final delivery' of a message, it inserts a return-path
// line at the beginning of the mail data."
func TestOneRecipient(t *testing.T) {
	s, d := setup()
	got, err := send(t, d, strings.NewReader(text), "Alice@here.test")
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "250 2.0.0 Ok", got[0].Reply.String())
	require.Equal(t, "Alice@here.test", got[0].Recipient)
	require.Equal(t, "virtual", got[0].Relay)
	require.Equal(t, "delivered to maildir", got[0].Detail)
	require.Equal(t, []string{"Return-Path: <s@far.test>\r\nDelivered-To: Alice@here.test\r\n" + text}, inbox(t, s, "alice@here.test"))
}

func TestManyRecipients(t *testing.T) {
	s, d := setup()
	var to []string
	for i := range 100 {
		to = append(to, fmt.Sprintf("u%d@here.test", i))
	}
	got, err := send(t, d, iotest.OneByteReader(strings.NewReader(text)), to...)
	require.NoError(t, err)
	for i, r := range got {
		require.Equal(t, to[i], r.Recipient, "in their order")
		require.True(t, r.Reply.OK())
		require.Equal(t, []string{"Return-Path: <s@far.test>\r\nDelivered-To: " + to[i] + "\r\n" + text}, inbox(t, s, to[i]))
	}
}

func TestRefusedRecipients(t *testing.T) {
	_, d := setup()
	tx, err := d.Begin(ctx, "", &mail.MailOptions{})
	require.NoError(t, err)
	require.ErrorContains(t, tx.Recipient(ctx, "nobody@here.test", nil), "550 5.1.1")
	require.ErrorContains(t, tx.Recipient(ctx, "x@far.test", nil), "554 5.4.6", "this is no way to elsewhere")
	require.ErrorContains(t, tx.Body(ctx, strings.NewReader(text)), "503", "nobody is left")
	_, err = tx.Commit(ctx)
	require.Error(t, err)
	require.NoError(t, tx.Abort())
}

// Each recipient has an answer of its own, in the words that Postfix or Dovecot has for it.
func TestFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"quota":   {mail.ErrOverQuota, "552 5.2.2 Mailbox is full (over quota)"},
		"large":   {fmt.Errorf("add: %w", mail.ErrTooLarge), "552 5.3.4 Message size exceeds fixed limit (add: message too large)"},
		"gone":    {mail.ErrNoAccount, "550 5.1.1 User unknown (no such account)"},
		"disk":    {syscall.ENOSPC, "452 4.3.1 Insufficient system storage (no space left on device)"},
		"edquot":  {syscall.EDQUOT, "452 4.3.1 Insufficient system storage (disk quota exceeded)"},
		"reply":   {mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "busy"), "450 4.2.0 busy"},
		"unknown": {errors.New("weird"), "451 4.3.0 Local error in processing (weird)"},
	} {
		for stage := range 3 {
			s, d := setup()
			var log strings.Builder
			d.Logger = slog.New(slog.NewTextHandler(&log, nil))
			[]map[string]error{s.open, s.add, s.commit}[stage]["b@here.test"] = tt.err

			got, err := send(t, d, strings.NewReader(strings.Repeat(text, 100)), "b@here.test")
			require.NoError(t, err)
			require.Equal(t, tt.want, got[0].Reply.Error(), "%s %d", name, stage)
			require.Empty(t, inbox(t, s, "b@here.test"))
			require.Equal(t, name != "quota", strings.Contains(log.String(), "cannot file a message"), "a full mailbox is no trouble of ours")

			got, err = send(t, d, strings.NewReader(text), "a@here.test", "b@here.test", "c@here.test")
			require.NoError(t, err)
			require.Equal(t, tt.want, got[1].Reply.Error(), "%s %d", name, stage)
			require.True(t, got[0].Reply.OK() && got[2].Reply.OK())
			require.Len(t, inbox(t, s, "a@here.test"), 1)
			require.Empty(t, inbox(t, s, "b@here.test"))
			require.Len(t, inbox(t, s, "c@here.test"), 1)
		}
	}
}

func TestSenderGoesAway(t *testing.T) {
	gone := errors.New("connection reset")
	for _, to := range [][]string{{"a@here.test"}, {"a@here.test", "b@here.test"}} {
		s, d := setup()
		_, err := send(t, d, io.MultiReader(strings.NewReader("Subject: half"), iotest.ErrReader(gone)), to...)
		require.Equal(t, gone, err)
		require.Empty(t, inbox(t, s, "a@here.test"))
	}
}

func TestAbort(t *testing.T) {
	s, d := setup()
	for _, to := range [][]string{{"a@here.test"}, {"a@here.test", "b@here.test"}} {
		tx := d.Start("s@far.test")
		for _, a := range to {
			require.NoError(t, tx.Recipient(ctx, a, nil))
		}
		require.NoError(t, tx.Body(ctx, strings.NewReader(text)))
		require.NoError(t, tx.Abort())
		require.NoError(t, tx.Abort())
		_, err := tx.Commit(ctx)
		require.ErrorContains(t, err, "503")
		require.Empty(t, inbox(t, s, "a@here.test"))
	}
}

func TestBodyFrom(t *testing.T) {
	s, d := setup()
	var spooler spool.Spooler
	b, err := spooler.Read(strings.NewReader(text))
	require.NoError(t, err)
	tx := d.Start("")
	require.NoError(t, tx.Recipient(ctx, "a@here.test", nil))
	require.True(t, tx.Alone())
	tx.Add("b@here.test", policy.Target{Address: "b@here.test", Class: policy.Virtual, Account: "b@here.test"})
	require.False(t, tx.Alone())
	tx.BodyFrom(b)
	got, err := tx.Commit(ctx)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, []string{"Return-Path: <>\r\nDelivered-To: b@here.test\r\n" + text}, inbox(t, s, "b@here.test"))
	require.NoError(t, b.Close())
}

func TestAddressesCannotBeginFields(t *testing.T) {
	s, d := setup()
	tx := d.Start("a@b\r\nX-Evil: 1")
	require.NoError(t, tx.Recipient(ctx, "a@here.test", nil))
	require.NoError(t, tx.Body(ctx, strings.NewReader(text)))
	_, err := tx.Commit(ctx)
	require.NoError(t, err)
	require.Contains(t, inbox(t, s, "a@here.test")[0], "Return-Path: <a@b??X-Evil: 1>\r\n")
}

func TestOtherMailbox(t *testing.T) {
	s, d := setup()
	d.Mailbox = "Nowhere"
	got, err := send(t, d, strings.NewReader(text), "a@here.test")
	require.NoError(t, err)
	require.True(t, got[0].Reply.Temporary())
	require.Empty(t, inbox(t, s, "a@here.test"))
}

func BenchmarkDeliver(b *testing.B) {
	_, d := setup()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		tx := d.Start("s@far.test")
		if err := tx.Recipient(ctx, fmt.Sprintf("u%d@here.test", i%100), nil); err != nil {
			b.Fatal(err)
		}
		if err := tx.Body(ctx, strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
		if _, err := tx.Commit(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleDeliverer() {
	d := &local.Deliverer{Store: imaptest.NewStore(), Resolve: resolve}
	tx, err := d.Begin(context.Background(), "bob@far.test", &mail.MailOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Abort()
	fmt.Println(tx.Recipient(context.Background(), "nobody@here.test", &mail.RcptOptions{}))
	fmt.Println(tx.Recipient(context.Background(), "alice@here.test", &mail.RcptOptions{}))
	fmt.Println(tx.Body(context.Background(), strings.NewReader("Subject: Hi\r\n\r\nHello\r\n")))
	results, err := tx.Commit(context.Background())
	fmt.Println(results[0].Recipient, results[0].Reply, err)
	// Output:
	// 550 5.1.1 <nobody@here.test>: User unknown
	// <nil>
	// <nil>
	// alice@here.test 250 2.0.0 Ok <nil>
}
