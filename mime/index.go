package mime

// Index is the structure of one message: where its header and parts lie, what they are, and its envelope. It holds all
// that IMAP's ENVELOPE, BODY and BODYSTRUCTURE need and where every section lies, so that the message is parsed once.
// An Index is read-only once made and may be used by many goroutines at once.
type Index struct {
	Size     int64  // octets of the message
	Root     *Part  // the message itself; never nil
	Preview  string // first words of the text, at most 256 characters, UTF-8; "" when there are none (RFC 8970)
	Problems []Problem
}

// Span is a range of octets, counted from the beginning of the message.
type Span struct {
	Offset, Size int64
}

// End returns the offset of the first octet after the span.
func (s Span) End() int64 { return s.Offset + s.Size }

// NString is a text that may be absent, IMAP's nstring. It has no CR, LF or NUL.
type NString struct {
	Value string
	Set   bool // false: absent (NIL)
}

// Part is a message or a body part. Exactly one of these holds: it is a multipart and Parts isn't empty; it is a
// message/rfc822 or message/global and Message isn't nil; or it is a leaf. What was announced as a multipart or message but
// can't be read as one appears as a leaf of type application/octet-stream or as a multipart with one text part, with a Problem.
type Part struct {
	Header      Span  // the header with the empty line that ends it
	Body        Span  // what follows, in its transfer encoding, without the line end that belongs to the delimiter
	HeaderLines int64 // line ends in Header
	Lines       int64 // line ends in Body, which IMAP calls the size in text lines

	Type, Subtype string  // lower case; text/plain when the header doesn't say (message/rfc822 in a digest)
	Params        []Param // of Content-Type
	Disposition   *Disposition
	Encoding      string // Content-Transfer-Encoding in lower case, "7bit" when the header doesn't say
	ID            NString
	Description   NString // encoded words are left as they are
	MD5           NString
	Language      []string
	Location      NString

	Parts    []*Part   // of a multipart, in their order
	Message  *Part     // the message inside a message/rfc822: its Header and Body lie within this part's Body
	Envelope *Envelope // set for messages: the root, and every Message
}

// Param is a parameter of Content-Type or Content-Disposition.
type Param struct {
	Name     string // lower case, without the "*" of RFC 2231
	Value    string // RFC 2231 continuations joined, percent-encoding and charset decoded to UTF-8
	Extended bool   // it was written in RFC 2231's form with a charset; IMAP names it "name*" (RFC 9051 section 7.5.2)
}

// Disposition is a Content-Disposition (RFC 2183).
type Disposition struct {
	Type   string // lower case: "inline", "attachment", …
	Params []Param
}

// Envelope is the envelope structure of a message as IMAP's ENVELOPE shows it (RFC 9051 section 7.5.2): unfolded, encoded
// words left as they are. Addresses are flat lists with group markers. Sender and ReplyTo are those of From where the header
// lacks them, as the RFC wants.
type Envelope struct {
	Date, Subject                      NString
	From, Sender, ReplyTo, To, Cc, Bcc []Address
	InReplyTo, MessageID               NString
	References                         NString // of the root only. It is no part of IMAP's ENVELOPE; threading needs it
}

// IsMultipart reports whether the part is a multipart.
func (p *Part) IsMultipart() bool { return len(p.Parts) > 0 }

// Span returns the part whole, header and body.
func (p *Part) Span() Span { return Span{p.Header.Offset, p.Body.End() - p.Header.Offset} }

// Param returns the value of the Content-Type parameter with this name in lower case, "" when there is none.
func (p *Part) Param(name string) string { return findParam(p.Params, name) }

// Filename returns the name proposed for the part: the disposition's filename, else Content-Type's name, with encoded
// words decoded. It is what the sender wrote: it may be a path or hold any character but control characters.
func (p *Part) Filename() string {
	var disp []Param
	if p.Disposition != nil {
		disp = p.Disposition.Params
	}
	return filename(disp, p.Params)
}

func findParam(params []Param, name string) string {
	for i := range params {
		if params[i].Name == name {
			return params[i].Value
		}
	}
	return ""
}
