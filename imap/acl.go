package imap

import (
	"strings"

	"github.com/buuta/mail"
)

// The capabilities of RFC 4314 and RFC 8440. CapRights names the rights that RFC 2086 did not have.
const (
	CapACL          Capability = "ACL"
	CapRights       Capability = "RIGHTS=kxte"
	CapListMyRights Capability = "LIST-MYRIGHTS"
)

// RightsChange requires mod-rights (RFC 4314 section 3.1): rights, with "+" or "-" before them if they are to be added or
// taken away. A letter that is no right is an error, as the RFC wants it.
func (d *Decoder) RightsChange() (op mail.RightsOp, r mail.Rights) {
	s := d.AString()
	switch {
	case strings.HasPrefix(s, "+"):
		op, s = mail.RightsAdd, s[1:]
	case strings.HasPrefix(s, "-"):
		op, s = mail.RightsRemove, s[1:]
	}
	r, ok := mail.ParseRights(s)
	if !ok {
		d.fail("Unknown right")
	}
	return op, r
}

// RightsChange writes mod-rights.
func (e *Encoder) RightsChange(op mail.RightsOp, r mail.Rights) *Encoder {
	sign := ""
	switch op {
	case mail.RightsAdd:
		sign = "+"
	case mail.RightsRemove:
		sign = "-"
	}
	return e.AString(sign + r.String())
}

// Rights requires rights as responses have them. Letters that are unknown are left out, and so are the virtual rights "c"
// and "d", unless the server is one of RFC 2086 that knows nothing else (RFC 4314 section 2.1.1).
func (d *Decoder) Rights() mail.Rights {
	s := d.AString()
	return responseRights(s, isRFC2086(s))
}

// isRFC2086 reports whether rights are written without any that RFC 4314 has added.
func isRFC2086(s string) bool { return !strings.ContainsAny(s, "kxte") }

func responseRights(s string, old bool) (r mail.Rights) {
	for i := range len(s) {
		if c := s[i]; old || c != 'c' && c != 'd' {
			one, _ := mail.ParseRights(s[i : i+1])
			r |= one
		}
	}
	return r
}

// Rights writes rights as responses have them: "When any of the "delete" member rights is set in a list of rights, the server
// MUST also include the "d" right", and likewise "c" for "create" (RFC 4314 section 2.1.1).
func (e *Encoder) Rights(r mail.Rights) *Encoder {
	s := r.String()
	if r&mail.RightCreate != 0 {
		s += "c"
	}
	if r&(mail.RightDeleteBox|mail.RightDeleteFlag|mail.RightExpunge) != 0 {
		s += "d"
	}
	return e.AString(s)
}

// ACL requires what follows "ACL" in a response (RFC 4314 section 3.6).
func (d *Decoder) ACL() (mailbox string, entries []mail.ACLEntry) {
	mailbox = d.Mailbox()
	for d.TrySP() {
		if len(entries) >= d.Limits.Items {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many identifiers"})
			break
		}
		entry := mail.ACLEntry{Identifier: d.AString()}
		d.SP()
		entry.Rights = d.Rights()
		entries = append(entries, entry)
	}
	return mailbox, entries
}

// ACL writes what follows "ACL" in a response.
func (e *Encoder) ACL(mailbox string, entries []mail.ACLEntry) *Encoder {
	e.Mailbox(mailbox)
	for _, entry := range entries {
		e.SP().AString(entry.Identifier).SP().Rights(entry.Rights)
	}
	return e
}

// ListRights is a LISTRIGHTS response (RFC 4314 section 3.7): which rights an identifier always has, and which can be given to
// it; those of one element of Optional only together.
type ListRights struct {
	Mailbox, Identifier string
	Required            mail.Rights
	Optional            []mail.Rights
}

// ListRights requires what follows "LISTRIGHTS" in a response.
func (d *Decoder) ListRights() (l ListRights) {
	l.Mailbox = d.Mailbox()
	d.SP()
	l.Identifier = d.AString()
	d.SP()
	words := []string{d.AString()}
	for d.TrySP() {
		if len(words) > 64 {
			d.fail("Too many rights")
			break
		}
		words = append(words, d.AString())
	}
	old := isRFC2086(strings.Join(words, ""))
	l.Required = responseRights(words[0], old)
	for _, w := range words[1:] {
		if r := responseRights(w, old); r != 0 { // "c" and "d" by themselves are nothing
			l.Optional = append(l.Optional, r)
		}
	}
	return l
}

// ListRights writes what follows "LISTRIGHTS" in a response. The virtual rights are added to the elements that have all
// their members, or by themselves if there is none such (RFC 4314 section 2.1.1).
func (e *Encoder) ListRights(l ListRights) *Encoder {
	e.Mailbox(l.Mailbox).SP().AString(l.Identifier).SP().Rights(l.Required)
	var all mail.Rights
	for _, r := range l.Optional {
		e.SP().AString(r.String())
		all |= r
	}
	if all&mail.RightCreate != 0 {
		e.Raw(" c")
	}
	if all&(mail.RightDeleteBox|mail.RightDeleteFlag|mail.RightExpunge) != 0 {
		e.Raw(" d")
	}
	return e
}

// MyRights requires what follows "MYRIGHTS" in a response (RFC 4314 section 3.8).
func (d *Decoder) MyRights() (mailbox string, r mail.Rights) {
	mailbox = d.Mailbox()
	d.SP()
	return mailbox, d.Rights()
}

// MyRights writes what follows "MYRIGHTS" in a response.
func (e *Encoder) MyRights(mailbox string, r mail.Rights) *Encoder {
	return e.Mailbox(mailbox).SP().Rights(r)
}
