package queue_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/dsn"
	"github.com/buuta/mail/mime/dsn/notice"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// What is known of the sender decides whether he gets reports, across a restart too; the site says how sure is sure enough.
func TestOrigin(t *testing.T) {
	all := []mail.Origin{mail.OriginUnknown, mail.OriginForged, mail.OriginNeutral, mail.OriginVerified, mail.OriginLocal}
	for _, tt := range []struct {
		least mail.Origin
		want  int // how many of the five get a report
	}{{0, 4}, {mail.OriginForged, 5}, {mail.OriginVerified, 3}, {mail.OriginLocal, 2}} {
		synctest.Test(t, func(t *testing.T) {
			disk := newDisk(t)
			set := func(q *queue.Queue) { q.Notify.LeastOrigin, q.FS = tt.least, disk }
			early := &queue.Queue{Dir: "/spool", FS: disk}
			for _, o := range all {
				env := &mail.Envelope{From: "a-" + o.String() + "@example.org", Options: mail.MailOptions{Origin: o}}
				env.Recipients = []mail.Recipient{{Address: "b@example.net"}, {Address: "good@example.org", Options: mail.RcptOptions{Notify: mail.NotifySuccess}}}
				_, err := sendEnvelope(early, env, letter)
				require.NoError(t, err)
			}
			require.NoError(t, early.Shutdown(t.Context()))
			q, s, ev := post(t, reject, set)
			time.Sleep(time.Hour)
			synctest.Wait()
			require.Empty(t, states(t, q))
			require.Len(t, reports(s), 2*tt.want, "of failure and of success")
			require.Equal(t, 2*tt.want, ev.count(queue.EventNotified))
		})
	}
}

// The verdict may come after Begin, with the content: SetOrigin.
func TestSetOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s, _ := post(t, reject, nil)
		tx, err := q.Begin(t.Context(), "a@example.org", &mail.MailOptions{})
		require.NoError(t, err)
		require.NoError(t, tx.Recipient(t.Context(), "b@example.net", &mail.RcptOptions{}))
		tx.(*queue.Transaction).SetOrigin(mail.OriginForged)
		require.NoError(t, tx.Body(t.Context(), readerOf(letter)))
		tx.(*queue.Transaction).SetOrigin(mail.OriginLocal) // too late
		_, err = tx.Commit(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		require.Empty(t, states(t, q))
		require.Empty(t, reports(s))
	})
}

// RFC 3834 section 5: what a program has sent says so. It is told of failures and of what it has asked for, not of delays that
// a person would want to hear of.
func TestAutoSubmitted(t *testing.T) {
	for _, tt := range []struct {
		field, want string
		notify      mail.Notify
	}{
		{"", "delayed failed", 0},
		{"Auto-Submitted: no\r\n", "delayed failed", 0},
		{"auto-submitted: No (by hand)\r\n", "delayed failed", 0},
		{"Auto-Submitted: auto-generated\r\n", "failed", 0},
		{"Auto-Submitted: auto-replied; owner-email=\"a@example.org\"\r\n", "failed", 0},
		{"Auto-Submitted: (cron)\r\n auto-generated\r\n", "failed", 0},
		{"Auto-Submitted: auto-generated\r\n", "delayed", mail.NotifyDelay},
		{"Auto-Submitted: auto-generated\r\n", "", mail.NotifyNever},
	} {
		synctest.Test(t, func(t *testing.T) {
			q, s, _ := post(t, defers, func(q *queue.Queue) { q.Backoff.DelayWarning = time.Hour })
			_, err := sendEnvelope(q, &mail.Envelope{
				From: "a@example.org", Recipients: []mail.Recipient{{Address: "b@example.net", Options: mail.RcptOptions{Notify: tt.notify}}},
			}, tt.field+letter)
			require.NoError(t, err)
			time.Sleep(6 * 24 * time.Hour)
			synctest.Wait()
			require.Equal(t, tt.want, actions(t, s), tt.field)
		})
	}
}

// actions returns what the reports say, in their order.
func actions(t *testing.T, s *sink) string {
	var out []string
	for _, d := range reports(s) {
		r, err := dsn.Parse(strings.NewReader(d.body), int64(len(d.body)))
		require.NoError(t, err)
		for _, rc := range r.Recipients {
			out = append(out, string(rc.Action))
		}
	}
	return strings.Join(out, " ")
}

// RFC 3461 section 5.2.2 (b): "If the NOTIFY parameter was supplied for a recipient, with an esmtp-value containing the keyword
// SUCCESS, and the SMTP server returns a success (2xx) reply-code in response to the RCPT command, the client MUST issue a
// "relayed" DSN for that recipient." Section 5.2.1 has none where the server does DSN. Section 5.2.7.3 (c): "If the
// original NOTIFY parameter for the alias contained the SUCCESS keyword, an "expanded" DSN is issued for the alias. If the NOTIFY
// parameter for the alias did not contain the SUCCESS keyword, no DSN is issued for the alias."
func TestRelayedAndExpanded(t *testing.T) {
	for _, tt := range []struct {
		name     string
		result   mail.Result
		notify   mail.Notify
		final    bool
		want     string
		contains string
	}{
		{"relayed", mail.Result{}, mail.NotifySuccess, false, "relayed", "Remote-MTA: dns; mx.example.net"},
		{"relayed, SUCCESS among others", mail.Result{}, mail.NotifySuccess | mail.NotifyFailure | mail.NotifyDelay, false, "relayed", ""},
		{"relayed, nobody asked", mail.Result{}, 0, false, "", ""},
		{"relayed, FAILURE asked for", mail.Result{}, mail.NotifyFailure, false, "", ""},
		{"next hop does DSN", mail.Result{Notifies: true}, mail.NotifySuccess, false, "", ""},
		{"expanded", mail.Result{Expanded: true}, mail.NotifySuccess, true, "expanded", "Status: 2.0.0"},
		{"expanded, whoever does DSN", mail.Result{Expanded: true, Notifies: true}, mail.NotifySuccess, false, "expanded", ""},
		{"expanded, nobody asked", mail.Result{Expanded: true}, mail.NotifyFailure, true, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newDisk(t)
				q, s, _ := post(t, accept, func(q *queue.Queue) {
					q.FS = disk
					tr := q.Transports["smtp"]
					tr.Final = tt.final
					inner := tr.Deliverer
					tr.Deliverer = func(hop string) mail.Deliverer {
						if hop == "example.org" {
							return inner(hop)
						}
						return resulting{inner(hop), tt.result}
					}
				})
				_, err := sendEnvelope(q, &mail.Envelope{
					From: "a@example.org", Options: mail.MailOptions{EnvelopeID: "QQ314159"},
					Recipients: []mail.Recipient{
						{Address: "list@example.net", Options: mail.RcptOptions{Notify: tt.notify, OriginalRecipient: "rfc822;List@example.com"}},
					},
				}, letter)
				require.NoError(t, err)
				synctest.Wait()
				require.Empty(t, states(t, q))
				require.Equal(t, tt.want, actions(t, s))
				for _, d := range reports(s) {
					require.Contains(t, d.body, tt.contains)
					require.Contains(t, d.body, "Original-Envelope-Id: QQ314159")
					require.Contains(t, d.body, "Original-Recipient: rfc822; List@example.com")
				}
			})
		})
	}
}

// resulting is a next hop whose results say more.
type resulting struct {
	mail.Deliverer
	more mail.Result
}

func (r resulting) Begin(ctx context.Context, from string, o *mail.MailOptions) (mail.Transaction, error) {
	tx, err := r.Deliverer.Begin(ctx, from, o)
	return resultingTx{tx, r.more}, err
}

type resultingTx struct {
	mail.Transaction
	more mail.Result
}

func (r resultingTx) Commit(ctx context.Context) ([]mail.Result, error) {
	res, err := r.Transaction.Commit(ctx)
	for i := range res {
		res[i].Notifies, res[i].Expanded = r.more.Notifies, r.more.Expanded
	}
	return res, err
}

// Words are chosen by sender, and a copy goes to whoever looks after the mail system: without the body, under its own subject. That
// a copy can't be made keeps no report from its sender.
func TestComposeAndCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		languages := map[bool]*notice.Set{true: notice.Vietnamese(), false: notice.English()}
		q, s, ev := post(t, reject, func(q *queue.Queue) {
			q.Notify.Compose = func(m *queue.Message, _ mail.Notify, r *dsn.Report) {
				languages[strings.HasPrefix(m.From, "nga@")].Apply(r, notice.Values{})
			}
			q.Notify.Copy = func(m *queue.Message, kind mail.Notify) string {
				require.Equal(t, mail.NotifyFailure, kind)
				if m.From == "bad@example.org" {
					return "not\x00an address"
				}
				return "postmaster@example.org"
			}
		})
		send(t, q, "nga@example.org", letter, "b@example.net")
		send(t, q, "bob@example.org", letter, "b@example.net")
		send(t, q, "bad@example.org", letter, "b@example.net")
		send(t, q, "", letter, "b@example.net")
		synctest.Wait()
		require.Empty(t, states(t, q))
		got := map[string]string{}
		for _, d := range reports(s) {
			got[d.to] += d.body
		}
		require.Len(t, got, 4)
		require.Contains(t, got["nga@example.org"], "Th=C6=B0 c=E1=BB=A7a b=E1=BA=A1n")
		require.Contains(t, got["bob@example.org"], "Subject: Undelivered Mail Returned to Sender")
		require.NotEmpty(t, got["bad@example.org"])
		copies := got["postmaster@example.org"]
		require.Equal(t, 2, strings.Count(copies, "Final-Recipient: rfc822; b@example.net"))
		require.Contains(t, copies, "Subject: Postmaster Copy: Undelivered Mail")
		require.Contains(t, copies, "what <bob@example.org> has been told")
		require.NotContains(t, copies, "Xin chao", "a letter is not the postmaster's to read")
		require.Equal(t, 3, ev.count(queue.EventNotified))
	})
}
