package imapserver

import (
	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/internal/thread"
)

// sortFields returns what the criteria need of a message.
func sortFields(by []imap.SortCriterion) (f mail.Fields) {
	date, size, envelope := thread.Needs(by)
	if date {
		f |= mail.FieldDate
	}
	if size {
		f |= mail.FieldSize
	}
	if envelope {
		f |= mail.FieldIndex
	}
	return f
}

// addRow takes the message that is looked at as a row of the sorter.
func (s *search) addRow(to *thread.Sorter) (row int32, err error) {
	m := s.msg.m
	r := thread.Row{UID: m.UID, InternalDate: m.InternalDate, Size: m.Size}
	if to.Envelopes() {
		if r.Envelope, err = s.msg.envelope(); err != nil {
			if err = ignoreExpunged(err); err != nil {
				return 0, err
			}
		}
	}
	return to.Add(&r), nil
}
