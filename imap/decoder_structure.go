package imap

import (
	"strings"

	"github.com/buuta/mail/mime"
)

// BodyStructure requires a body structure with or without extension data (RFC 9051 section 7.5.2). Of the spans of the parts
// only Body.Size is known. What is missing or of another kind is absent, as with servers that describe a message/rfc822 like
// any other file, or a multipart without parts.
func (d *Decoder) BodyStructure() *mime.Part {
	n := d.value()
	if n == 0 || d.nodes[n].kind != nodeList {
		if d.err == nil && d.fatal == nil {
			d.fail("Body structure expected")
		}
		return nil
	}
	return d.bodyPart(n)
}

func (d *Decoder) bodyPart(n int32) *mime.Part {
	r := d.elements(n)
	p := new(mime.Part)
	if !r.more() || r.kind() == nodeList {
		for r.more() && r.kind() == nodeList {
			p.Parts = append(p.Parts, d.bodyPart(r.take()))
		}
		p.Type, p.Subtype = "multipart", strings.ToLower(r.string())
		p.Params = r.params()
		r.disposition(p)
		return p
	}
	first := r.take()
	p.Type, p.Subtype = strings.ToLower(d.nodes[first].text), strings.ToLower(d.nodes[r.at].text)
	if d.nodes[first].kind == nodeNil || r.more() && r.kind() != nodeString && r.kind() != nodeAtom {
		// (NIL "mixed" …) and ("mixed" (…) …): a multipart without parts.
		if d.nodes[first].kind == nodeNil {
			r.take()
		} else {
			p.Subtype = p.Type
		}
		p.Type, p.Params = "multipart", r.params()
		r.disposition(p)
		return p
	}
	r.take()
	p.Params = r.params()
	p.ID, p.Description = r.nstring(), r.nstring()
	if p.Encoding = strings.ToLower(r.string()); p.Encoding == "" {
		p.Encoding = "7bit"
	}
	p.Body.Size = r.number()
	switch {
	case p.Type == "message" && (p.Subtype == "rfc822" || p.Subtype == "global") && r.more() && r.kind() == nodeList && d.isBody(r):
		env := d.envelope(r.take())
		p.Message = d.bodyPart(r.take())
		p.Message.Envelope = env
		p.Lines = r.number()
	case p.Type == "text", r.more() && r.kind() == nodeAtom:
		// A number is no MD5: some servers count the lines of messages that they don't describe.
		p.Lines = r.number()
	}
	p.MD5 = r.nstring()
	r.disposition(p)
	return p
}

// isBody reports whether an envelope and a body follow.
func (d *Decoder) isBody(r nodeReader) bool {
	r.take()
	return r.more() && r.kind() == nodeList
}

// disposition reads what the extension data of every kind of part ends with.
func (r *nodeReader) disposition(p *mime.Part) {
	if r.more() && r.kind() == nodeList {
		in := r.list()
		p.Disposition = &mime.Disposition{Type: strings.ToLower(in.string()), Params: in.params()}
	} else if typ := r.nstring(); typ.Set {
		p.Disposition = &mime.Disposition{Type: strings.ToLower(typ.Value)}
	}
	if r.more() && r.kind() == nodeList {
		for in := r.list(); in.more(); {
			if s := in.nstring(); s.Set {
				p.Language = append(p.Language, s.Value)
			}
		}
	} else if s := r.nstring(); s.Set {
		p.Language = []string{s.Value}
	}
	p.Location = r.nstring()
}

// params reads a list of names and values.
func (r *nodeReader) params() (out []mime.Param) {
	in := r.list()
	var raw []string
	for in.more() {
		name := strings.ToLower(in.string())
		value := in.nstring()
		if name != "" {
			raw = append(raw, name, value.Value)
		}
	}
	if len(raw) == 0 {
		return nil
	}
	return joinParams(raw)
}
