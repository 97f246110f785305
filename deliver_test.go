package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

func deliver(t *testing.T, d mail.Deliverer, body io.Reader, to ...string) (bodyErr error, results []mail.Result, err error) {
	t.Helper()
	ctx := context.Background()
	tx, err := d.Begin(ctx, "a@example.test", &mail.MailOptions{Size: 7})
	require.NoError(t, err)
	defer tx.Abort()
	for _, r := range to {
		require.NoError(t, tx.Recipient(ctx, r, &mail.RcptOptions{Notify: mail.NotifyNever}))
	}
	if err := tx.Body(ctx, body); err != nil {
		return err, nil, nil
	}
	results, err = tx.Commit(ctx)
	return nil, results, err
}

func TestDelivererFunc(t *testing.T) {
	var got *mail.Envelope
	var text string
	f := mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, r io.Reader) error {
		b, err := io.ReadAll(r)
		got, text = env, string(b)
		return err
	})
	bodyErr, res, err := deliver(t, f, strings.NewReader("hello\r\n"), "b@example.test", "c@example.test")
	require.NoError(t, bodyErr)
	require.NoError(t, err)
	require.Equal(t, "hello\r\n", text)
	require.Equal(t, int64(7), got.Options.Size)
	require.Len(t, res, 2)
	require.Equal(t, "c@example.test", res[1].Recipient)
	require.True(t, res[1].Reply.OK())
	require.Equal(t, mail.NotifyNever, got.Recipients[0].Options.Notify)
}

func TestDelivererFuncRefuses(t *testing.T) {
	no := mail.NewReply(550, mail.EnhancedCode{5, 7, 1}, "No")
	f := mail.DelivererFunc(func(context.Context, *mail.Envelope, io.Reader) error { return fmt.Errorf("policy: %w", no) })
	src := strings.NewReader("never read by the function")
	bodyErr, res, err := deliver(t, f, src, "b@example.test")
	require.NoError(t, bodyErr)
	require.Nil(t, res)
	require.Same(t, no, mail.ReplyOf(err))
	require.Zero(t, src.Len(), "the rest of the stream has been read")
}

func TestDelivererFuncSenderGone(t *testing.T) {
	// The function swallows the error of the stream; the transaction must not.
	f := mail.DelivererFunc(func(_ context.Context, _ *mail.Envelope, r io.Reader) error { io.ReadAll(r); return nil })
	gone := errors.New("connection reset")
	bodyErr, _, _ := deliver(t, f, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(gone)), "b@example.test")
	require.ErrorIs(t, bodyErr, gone)

	tx, err := f.Begin(context.Background(), "", &mail.MailOptions{})
	require.NoError(t, err)
	_, err = tx.Commit(context.Background())
	require.Equal(t, 503, mail.ReplyOf(err).Code, "no message, no commit")
}

func TestCombine(t *testing.T) {
	ok := &mail.Reply{Code: 250, Text: "Ok"}
	temp := &mail.Reply{Code: 451, Text: "later"}
	perm := &mail.Reply{Code: 550, Text: "no"}
	of := func(rs ...*mail.Reply) (out []mail.Result) {
		for _, r := range rs {
			out = append(out, mail.Result{Reply: r})
		}
		return
	}
	require.Same(t, ok, mail.Combine(of(ok, &mail.Reply{Code: 250})))
	require.Same(t, temp, mail.Combine(of(ok, perm, temp)))
	require.Same(t, perm, mail.Combine(of(ok, perm, ok)))
	require.Equal(t, 554, mail.Combine(nil).Code)
}

func TestReply(t *testing.T) {
	cause := errors.New("disk on fire")
	r := &mail.Reply{Code: 452, Enhanced: mail.EnhancedCode{4, 3, 1}, Text: "Insufficient\nsystem storage", Err: cause}
	require.Equal(t, "452 4.3.1 Insufficient system storage", r.String())
	require.Equal(t, "452 4.3.1 Insufficient system storage (disk on fire)", r.Error())
	require.ErrorIs(t, r, cause)
	require.True(t, r.Temporary())
	require.False(t, r.OK() || r.Permanent())

	require.Nil(t, mail.ReplyOf(nil))
	local := mail.ReplyOf(cause)
	require.Equal(t, "451 4.3.0 Local error in processing", local.String(), "internal text stays here")
	require.ErrorIs(t, local, cause)
	require.Equal(t, "250", (&mail.Reply{Code: 250}).String())
	require.Empty(t, mail.EnhancedCode{}.String())
}

// RFC 3461 section 4.1: without NOTIFY, failures are reported and delays may be.
func TestNotifyWants(t *testing.T) {
	require.True(t, mail.Notify(0).Wants(mail.NotifyFailure))
	require.True(t, mail.Notify(0).Wants(mail.NotifyDelay))
	require.False(t, mail.Notify(0).Wants(mail.NotifySuccess))
	require.False(t, mail.NotifyNever.Wants(mail.NotifyFailure))
	require.True(t, (mail.NotifySuccess | mail.NotifyDelay).Wants(mail.NotifyDelay))
	require.False(t, (mail.NotifySuccess | mail.NotifyDelay).Wants(mail.NotifyFailure))
}

func ExampleDelivererFunc() {
	var d mail.Deliverer = mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, message io.Reader) error {
		n, err := io.Copy(io.Discard, message)
		fmt.Println(env.From, "->", env.Recipients[0].Address, n, "octets")
		return err
	})

	ctx := context.Background()
	tx, _ := d.Begin(ctx, "an@example.test", &mail.MailOptions{})
	tx.Recipient(ctx, "binh@example.test", &mail.RcptOptions{})
	tx.Body(ctx, strings.NewReader("Subject: Xin chao\r\n\r\nHello.\r\n"))
	results, _ := tx.Commit(ctx)
	fmt.Println(results[0].Reply)
	// Output:
	// an@example.test -> binh@example.test 29 octets
	// 250 2.0.0 Ok
}

func ExampleReplyOf() {
	err := fmt.Errorf("open /srv/mail: permission denied")
	fmt.Println(mail.ReplyOf(err).String())
	err = fmt.Errorf("policy: %w", mail.NewReply(550, mail.EnhancedCode{5, 7, 1}, "Relay access denied"))
	fmt.Println(mail.ReplyOf(err).String())
	// Output:
	// 451 4.3.0 Local error in processing
	// 550 5.7.1 Relay access denied
}
