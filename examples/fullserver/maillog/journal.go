package maillog

import (
	"bytes"
	"strconv"
	"strings"
)

// JournalSocket is where systemd's journal listens.
const JournalSocket = "/run/systemd/journal/socket"

// journalTarget is reached as syslog is.
type journalTarget struct{ syslogTarget }

// Journal writes to systemd's journal at a path, "" for [JournalSocket], by its own protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). Beside what syslog would
// have there are SYSLOG_IDENTIFIER and, in lines of a message in the queue, MAIL_QUEUE_ID to look for. A line has 8 KiB at most, which a datagram
// always has room for.
func Journal(path, facility string) (Target, error) {
	if path == "" {
		path = JournalSocket
	}
	t, err := Syslog(path, facility)
	if err != nil {
		return nil, err
	}
	return &journalTarget{*t.(*syslogTarget)}, nil
}

func (t *journalTarget) name() string { return "the journal" }

func (t *journalTarget) write(e *entry) error {
	b := t.buf[:0]
	field := func(name, value string) { b = append(append(append(append(b, name...), '='), value...), '\n') }
	field("PRIORITY", strconv.Itoa(e.severity()))
	field("SYSLOG_FACILITY", strconv.Itoa(t.facility))
	field("SYSLOG_IDENTIFIER", strings.TrimSuffix(e.program, ":"))
	if !strings.HasSuffix(e.program, ":") {
		field("SYSLOG_PID", e.pid)
	}
	if id := queueID(e.text); id != "" {
		field("MAIL_QUEUE_ID", id)
	}
	field("MESSAGE", string(e.text)) // which has no end of line in it
	t.buf = b
	return t.send(b)
}

// queueID is what a line begins with that is about a message in the queue; "" if it isn't.
func queueID(text []byte) string {
	id, _, ok := bytes.Cut(text[:min(len(text), 32)], []byte(": "))
	if !ok || len(id) < 8 {
		return ""
	}
	digit := false
	for _, c := range id {
		switch {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		default:
			return ""
		}
	}
	if !digit {
		return ""
	}
	return string(id)
}
