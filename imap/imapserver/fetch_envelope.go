package imapserver

import (
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// writeEnvelope writes an envelope (RFC 9051 section 7.5.2).
func writeEnvelope(e *imap.Encoder, v *mime.Envelope) {
	e.Raw("(")
	nstring(e, v.Date)
	nstring(e.SP(), v.Subject)
	for _, list := range [...][]mime.Address{v.From, v.Sender, v.ReplyTo, v.To, v.Cc, v.Bcc} {
		writeAddresses(e.SP(), list)
	}
	nstring(e.SP(), v.InReplyTo)
	nstring(e.SP(), v.MessageID)
	e.Raw(")")
}

func nstring(e *imap.Encoder, s mime.NString) { e.NString(s.Value, s.Set) }

// writeAddresses writes a list of addresses, NIL when it is empty. The marks of a group are addresses without a host.
func writeAddresses(e *imap.Encoder, list []mime.Address) {
	if len(list) == 0 {
		e.Raw("NIL")
		return
	}
	e.Raw("(")
	for i := range list {
		a := &list[i]
		switch a.Kind {
		case mime.GroupStart:
			e.Raw("(NIL NIL ").String(a.Name).Raw(" NIL)")
		case mime.GroupEnd:
			e.Raw("(NIL NIL NIL NIL)")
		default:
			e.Raw("(").NString(a.Name, a.Name != "").SP().NString(a.Route, a.Route != "")
			// A mailbox or host that is NIL would read as the mark of a group.
			e.SP().String(a.Mailbox).SP().String(a.Host).Raw(")")
		}
	}
	e.Raw(")")
}

// writeStructure writes a body structure, with extension data for BODYSTRUCTURE and without for BODY.
func writeStructure(e *imap.Encoder, p *mime.Part, extended bool) {
	e.Raw("(")
	if p.IsMultipart() {
		for _, part := range p.Parts {
			writeStructure(e, part, extended)
		}
		e.SP().String(p.Subtype)
		if extended {
			writeParams(e.SP(), p.Params)
			writeDisposition(e, p)
		}
		e.Raw(")")
		return
	}
	e.String(p.Type).SP().String(p.Subtype).SP()
	writeParams(e, p.Params)
	nstring(e.SP(), p.ID)
	nstring(e.SP(), p.Description)
	e.SP().String(p.Encoding).SP().Number(uint64(p.Body.Size))
	switch {
	case p.Message != nil:
		writeEnvelope(e.SP(), p.Message.Envelope)
		writeStructure(e.SP(), p.Message, extended)
		e.SP().Number(uint64(p.Lines))
	case p.Type == "text":
		e.SP().Number(uint64(p.Lines))
	}
	if extended {
		nstring(e.SP(), p.MD5)
		writeDisposition(e, p)
	}
	e.Raw(")")
}

// writeDisposition writes what the extension data of every kind of part ends with.
func writeDisposition(e *imap.Encoder, p *mime.Part) {
	if d := p.Disposition; d == nil {
		e.Raw(" NIL")
	} else {
		e.Raw(" (").String(d.Type).SP()
		writeParams(e, d.Params)
		e.Raw(")")
	}
	switch len(p.Language) {
	case 0:
		e.Raw(" NIL")
	case 1:
		e.SP().String(p.Language[0])
	default:
		for i, l := range p.Language {
			if i == 0 {
				e.Raw(" (")
			} else {
				e.SP()
			}
			e.String(l)
		}
		e.Raw(")")
	}
	nstring(e.SP(), p.Location)
}

// writeParams writes parameters. Those that came with a charset have the name that RFC 9051 section 7.5.2 gives them.
func writeParams(e *imap.Encoder, params []mime.Param) {
	if len(params) == 0 {
		e.Raw("NIL")
		return
	}
	for i := range params {
		p := &params[i]
		if i == 0 {
			e.Raw("(")
		} else {
			e.SP()
		}
		if p.Extended {
			e.String(p.Name + "*")
		} else {
			e.String(p.Name)
		}
		e.SP().String(p.Value)
	}
	e.Raw(")")
}
