package queue_test

import (
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// "The maximal number of digits after the decimal point" is 2 (delay_logging_resolution_limit), and no number shows more
// than two significant digits unless it is a whole number of seconds.
func TestFormatDelay(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", -time.Second: "0", time.Millisecond: "0", 4 * time.Millisecond: "0", 6 * time.Millisecond: "0.01",
		20 * time.Millisecond: "0.02", 130 * time.Millisecond: "0.13", 500 * time.Millisecond: "0.5",
		999 * time.Millisecond: "1", time.Second: "1", 1234 * time.Millisecond: "1.2", 3500 * time.Millisecond: "3.5",
		9960 * time.Millisecond: "10", 13 * time.Second: "13", 12600 * time.Millisecond: "13", 143 * time.Second: "143",
		100 * time.Second: "100", 5 * 24 * time.Hour: "432000",
	} {
		require.Equal(t, want, queue.FormatDelay(d), "%v", d)
	}
}

// Nothing from outside breaks out of its log line.
func TestLineIsOneLine(t *testing.T) {
	e := queue.Event{
		Kind: queue.EventAttempt, ID: "1A", Recipient: "b@example.net", Relay: "none", Status: queue.StatusDeferred,
		Reply: mail.NewReply(451, mail.EnhancedCode{}, "one\r\ntwo\x00\x1b[0m"),
	}
	require.Equal(t, "1A: to=<b@example.net>, relay=none, delay=0, delays=0/0/0/0, dsn=4.0.0, status=deferred (451 one  two  [0m)", e.Line())
	for kind, want := range map[queue.EventKind]string{
		queue.EventQueued: "", queue.EventRemoved: "1A: removed", queue.EventExpired: "1A: from=<a@b>, status=expired, returned to sender",
	} {
		e := queue.Event{Kind: kind, ID: "1A", From: "a@b"}
		require.Equal(t, want, e.Line())
	}
	for kind, want := range map[mail.Notify]string{
		mail.NotifyFailure: "non-delivery", mail.NotifyDelay: "delay", mail.NotifySuccess: "delivery status",
	} {
		e := queue.Event{Kind: queue.EventNotified, ID: "1A", From: "a@example.org", NewID: "2B", Notification: kind}
		require.Equal(t, "1A: sender "+want+" notification: 2B", e.Line())
	}
}
