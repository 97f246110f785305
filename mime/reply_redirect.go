package mime

import (
	"crypto/rand"
	"errors"
	"io"
	"time"
)

// Redirect sends a message on as it is, with Resent fields that say who did (RFC 5322 section 3.6.6). Its recipients see it as
// if it came from its author. Set From and at least one of To, Cc and Bcc.
type Redirect struct {
	From      []Address // who sends it on
	Sender    *Address  // who really does, when From has several or another
	To, Cc    []Address
	Bcc       []Address // never written; see Recipients
	Date      time.Time // default: now
	MessageID string    // without brackets; default: random, at the domain of the first of From
}

// Recipients returns the addresses of To, Cc and Bcc for the envelope, each once.
func (o *Redirect) Recipients() []string {
	return (&Builder{To: o.To, Cc: o.Cc, Bcc: o.Bcc}).Recipients()
}

// WriteTo writes the fields and the message after them, octet by octet as msg gives it: "Each new set of resent fields is
// prepended to the message […] No other fields in the message are changed". msg should have CRLF line ends.
func (o *Redirect) WriteTo(w io.Writer, msg io.Reader) (int64, error) {
	h, err := o.header()
	if err != nil {
		return 0, err
	}
	var fields []byte
	for f := range h.All() {
		fields = append(fields, f.Raw()...)
	}
	n, err := w.Write(fields)
	if err != nil {
		return int64(n), err
	}
	m, err := io.Copy(w, msg)
	return int64(n) + m, err
}

func (o *Redirect) header() (*Header, error) {
	if countMailboxes(o.From) == 0 || countMailboxes(o.To)+countMailboxes(o.Cc)+countMailboxes(o.Bcc) == 0 {
		return nil, errors.New("mime: a redirect needs a From address and a recipient")
	}
	date, id := o.Date, o.MessageID
	if date.IsZero() {
		date = time.Now()
	}
	if id == "" {
		id = rand.Text() + "@" + (&Builder{From: o.From}).domain()
	}
	h := &Header{}
	errs := []error{h.AddDate("Resent-Date", date), h.AddAddresses("Resent-From", o.From)}
	switch {
	case o.Sender != nil && (countMailboxes(o.From) > 1 || o.From[0] != *o.Sender): // "SHOULD NOT be used if [it] would be identical"
		errs = append(errs, h.AddAddresses("Resent-Sender", []Address{*o.Sender}))
	case countMailboxes(o.From) > 1:
		for a := range Mailboxes(o.From) {
			errs = append(errs, h.AddAddresses("Resent-Sender", []Address{a}))
			break
		}
	}
	errs = append(errs, h.AddAddresses("Resent-To", o.To), h.AddAddresses("Resent-Cc", o.Cc))
	if countMailboxes(o.To)+countMailboxes(o.Cc) == 0 { // at least one destination field, as old readers want it (RFC 822 section 4.1)
		errs = append(errs, h.AddRaw("Resent-Bcc", ""))
	}
	errs = append(errs, h.AddRaw("Resent-Message-ID", FormatMessageIDs(id)))
	return h, errors.Join(errs...)
}
