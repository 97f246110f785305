package entity

import (
	"strings"

	"github.com/buuta/mail/mime"
)

// Protection says how the header goes into the content (RFC 9788).
type Protection string

// The ways. Their names are the values of Content-Type's "hp" parameter.
const (
	None   Protection = ""
	Clear  Protection = "clear"  // signed: the fields are repeated inside
	Cipher Protection = "cipher" // encrypted: the Subject and the like are only inside
)

// HiddenSubject stands outside of an encrypted message (RFC 9788 section 3.2.1, hcp_baseline).
const HiddenSubject = "[...]"

// protect copies the fields into the content and, for Cipher, hides outside what tells of it.
func (p Protection) protect(outer, inner *mime.Header) (*mime.Header, *mime.Header, error) {
	ct := inner.ContentType() // text/plain where it is missing
	params := []mime.Param{{Name: "hp", Value: string(p)}}
	for _, q := range ct.Params {
		if q.Name != "hp" {
			params = append(params, q)
		}
	}
	ct.Params = params
	content := &mime.Header{}
	shown := &mime.Header{}
	for f := range outer.All() {
		if f.Is("HP-Outer") || f.Is("Bcc") {
			continue
		}
		content.AddField(f)
		var err error
		switch {
		case p == Clear:
			shown.AddField(f)
		case f.Is("Comments") || f.Is("Keywords"):
		case f.Is("Subject"):
			err = shown.Add("Subject", HiddenSubject)
		default:
			shown.AddField(f)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if p == Cipher {
		// "one HP-Outer header field for each field outside": a reader knows which of its fields were confidential.
		for f := range shown.All() {
			if err := content.AddRaw("HP-Outer", f.Name()+": "+f.Value()); err != nil {
				return nil, nil, err
			}
		}
	}
	err := content.AddRaw("Content-Type", ct.String())
	for f := range inner.All() {
		if !f.Is("Content-Type") {
			content.AddField(f)
		}
	}
	return shown, content, err
}

// Protected returns the header fields that a content protects, nil for none: it says so by "hp", or as older programs do by
// protected-headers="v1".
func Protected(content []byte) *mime.Header {
	h := mime.ParseHeader(content, nil)
	ct := h.ContentType()
	hp := Protection(strings.ToLower(ct.Param("hp")))
	if hp != Clear && hp != Cipher && !strings.EqualFold(ct.Param("protected-headers"), "v1") {
		return nil
	}
	out := &mime.Header{}
	for f := range h.All() {
		if f.IsField() && !f.Is("HP-Outer") && !f.Is("MIME-Version") && !strings.HasPrefix(strings.ToLower(f.Name()), "content-") {
			out.AddField(f)
		}
	}
	return out
}
