package queue

import (
	"encoding/json"
	"io"
	"iter"
	"time"
)

// entryJSON is a line of Postfix's "postqueue -j", with a few fields more at its end.
type entryJSON struct {
	QueueName    string          `json:"queue_name"`
	QueueID      string          `json:"queue_id"`
	ArrivalTime  int64           `json:"arrival_time"` // seconds since 1970
	MessageSize  int64           `json:"message_size"`
	ForcedExpire bool            `json:"forced_expire"`
	Sender       string          `json:"sender"`
	Recipients   []recipientJSON `json:"recipients"` // those that are pending

	NextAttempt int64  `json:"next_attempt,omitempty"`
	EnvelopeID  string `json:"envelope_id,omitempty"`
	Priority    *int   `json:"priority,omitempty"`
	Transport   string `json:"transport,omitempty"` // that has been ordered
	Nexthop     string `json:"nexthop,omitempty"`
}

type recipientJSON struct {
	Address     string `json:"address"`
	DelayReason string `json:"delay_reason,omitempty"`
	LastAttempt int64  `json:"last_attempt,omitempty"`
	Relay       string `json:"relay,omitempty"`
}

// MarshalJSON implements json.Marshaler: an object with the fields of Postfix's "postqueue -j".
func (e Entry) MarshalJSON() ([]byte, error) {
	out := entryJSON{QueueName: string(e.State), QueueID: e.ID, NextAttempt: unix(e.Due), Recipients: []recipientJSON{}}
	m := e.Message
	if m == nil {
		return json.Marshal(&out)
	}
	out.ArrivalTime, out.MessageSize, out.Sender = unix(m.Arrived), m.Size, m.From
	out.ForcedExpire, out.EnvelopeID, out.Priority = m.Order.Expire, m.Options.EnvelopeID, m.Options.Priority
	if r := m.Order.Route; r != nil {
		out.Transport, out.Nexthop = r.Transport, r.Nexthop
	}
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.State == Pending {
			out.Recipients = append(out.Recipients, recipientJSON{r.Address, r.Last.text(), unix(r.Last.Time), r.Last.Relay})
		}
	}
	return json.Marshal(&out)
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// WriteJSON writes a list as one line of JSON a message.
func WriteJSON(w io.Writer, list iter.Seq2[Entry, error]) error {
	out := json.NewEncoder(w)
	for e, err := range list {
		if err == nil {
			err = out.Encode(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
