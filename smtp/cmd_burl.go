package smtp

import (
	"errors"
	"io"
	"strings"

	"github.com/buuta/mail"
)

// cmdBurl takes a message whose content an IMAP server holds (RFC 4468 section 3): the URL's content as the last chunk.
func (c *Conn) cmdBurl(args string) *Reply {
	fetcher, ok := ability[URLFetcher](c.session)
	if !ok || !c.exts.Has(BURL) {
		return NewReply(502, EnhancedCode{5, 5, 1}, "Error: command not implemented")
	}
	if r := c.messageAllowed(); r != nil {
		return r
	}
	url, last, more := strings.Cut(strings.TrimRight(args, " "), " ")
	if url == "" || more && !strings.EqualFold(last, "LAST") {
		return syntaxReply("BURL url [LAST]")
	}
	if !more {
		// What a message is made of in several pieces would have to be kept between commands: such a client uses BDAT.
		return NewReply(554, EnhancedCode{5, 5, 0}, "Error: BURL without LAST is not taken here")
	}
	if r := c.startData(); r != nil {
		return r
	}
	c.work()
	body, err := fetcher.FetchURL(c.ctx, url)
	c.rest()
	if err != nil {
		if _, is := errors.AsType[*Reply](err); !is {
			err = &Reply{Code: 554, Enhanced: EnhancedCode{5, 6, 6}, Text: "IMAP URL resolution failed", Err: err}
		}
		c.abort()
		return replyTo(err, nil)
	}
	defer func() { _ = body.Close() }()
	if body.Size() > c.srv.maxSize() {
		c.abort()
		return replyTooBig
	}
	c.tx.chunks, c.data = true, 0
	return c.takeMessage(&messageReader{c: c, src: bodyReader(body), max: c.srv.maxSize()})
}

func bodyReader(b mail.Body) io.Reader { return io.NewSectionReader(b, 0, b.Size()) }
