package mime

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// ExternalBody says where the content of a message/external-body lies (RFC 2046 section 5.2.3, RFC 2017). Nothing in this package
// fetches it: whoever does tells the sender that the message was read.
type ExternalBody struct {
	AccessType string // lower case: "url", "ftp", "anon-ftp", "tftp", "local-file", "mail-server", "content-id", …
	URL        string // of "url", without the blanks that folding left (RFC 2017 section 3)
	Name       string // of "ftp" and "local-file"
	Site       string // of "ftp" and "local-file"
	Directory  string
	Mode       string
	Server     string // of "mail-server"
	Subject    string // of "mail-server"
	Expiration time.Time
	Size       int64 // octets; 0 when not said
	Permission string
}

// ExternalBody reads the parameters of message/external-body. ok is false for other types and without an access-type.
func (c *ContentType) ExternalBody() (e ExternalBody, ok bool) {
	return externalBody(c.Type, c.Subtype, c.Params)
}

// ExternalBody reads the parameters of message/external-body, as [ContentType.ExternalBody] does.
func (p *Part) ExternalBody() (e ExternalBody, ok bool) {
	return externalBody(p.Type, p.Subtype, p.Params)
}

func externalBody(typ, subtype string, params []Param) (e ExternalBody, ok bool) {
	if typ != "message" || subtype != "external-body" {
		return e, false
	}
	get := func(name string) string { return findParam(params, name) }
	e = ExternalBody{
		AccessType: strings.ToLower(get("access-type")), URL: removeBlanks(get("url")), Name: get("name"), Site: get("site"),
		Directory: get("directory"), Mode: get("mode"), Server: get("server"), Subject: get("subject"), Permission: get("permission"),
	}
	e.Expiration, _ = ParseDate(get("expiration"))
	if n, err := strconv.ParseInt(get("size"), 10, 64); err == nil && n > 0 {
		e.Size = n
	}
	return e, e.AccessType != ""
}

// PhantomHeader reads the header within a message/external-body part of the message r: the one that tells the type and the
// Content-ID of what lies elsewhere. For other parts it is the header of a message inside, if there is one. lim may be nil.
func (p *Part) PhantomHeader(r io.ReaderAt, lim *Limits) (*Header, error) {
	l := lim.withDefaults()
	s := newScanner(io.NewSectionReader(r, p.Body.Offset, p.Body.Size), 4096)
	raw, _, _ := s.header(nil, l.HeaderBytes)
	if s.err != nil {
		return nil, s.err
	}
	return ParseHeader(raw, &l), nil
}
