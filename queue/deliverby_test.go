package queue_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

func sendBy(t *testing.T, q *queue.Queue, by mail.DeliverBy) {
	_, err := sendEnvelope(q, &mail.Envelope{
		From: "a@example.org", Options: mail.MailOptions{DeliverBy: &by}, Recipients: []mail.Recipient{{Address: "b@example.net"}},
	}, letter)
	require.NoError(t, err)
}

// RFC 2852 section 4.1.3, mode R: "no further delivery attempts may be made for the message. The server or MTA MUST issue
// a "failed" DSN with status 5.4.7". Section 4.1.4: the BY parameter that is relayed has the time that remains.
func TestDeliverByReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sink{answer: func(_, from, to string) *mail.Reply {
			if from == "" {
				return nil
			}
			return defers(to)
		}}
		var left []time.Duration
		tr := s.transport()
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": tr}})
		began := time.Now()
		s.begin = func(_, from string) error {
			if from != "" {
				left = append(left, time.Since(began))
			}
			return nil
		}
		sendBy(t, q, mail.DeliverBy{Time: 20 * time.Minute, Mode: 'R'})
		time.Sleep(20*time.Minute - time.Second)
		require.Empty(t, reports(&s))
		tries := len(left)
		require.Greater(t, tries, 1)
		time.Sleep(2 * time.Second)
		require.Len(t, left, tries, "no attempt at or after the time")
		got := reports(&s)
		require.Len(t, got, 1)
		require.Contains(t, got[0].body, "Action: failed\r\nStatus: 5.4.7")
		require.Empty(t, states(t, q))
	})
}

// Mode N: "continue attempts … In addition, the server or MTA MUST issue a "delayed" DSN with status 4.4.7".
func TestDeliverByNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := time.Now().Add(2 * time.Hour)
		s := sink{answer: func(_, from, to string) *mail.Reply {
			if from == "" || time.Now().After(later) {
				return nil
			}
			return defers(to)
		}}
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": s.transport()}})
		sendBy(t, q, mail.DeliverBy{Time: 20 * time.Minute, Mode: 'N'})
		time.Sleep(20*time.Minute + time.Second)
		got := reports(&s)
		require.Len(t, got, 1)
		require.Contains(t, got[0].body, "Action: delayed\r\nStatus: 4.4.7")
		time.Sleep(4 * time.Hour)
		require.Len(t, reports(&s), 1, "once")
		var last delivered
		for _, d := range s.all() {
			if strings.HasPrefix(d.from, "a@") {
				last = d
			}
		}
		require.Equal(t, "b@example.net", last.to)
		require.Negative(t, last.opts.DeliverBy.Time, "a late one is relayed with what it is late by")
	})
}
