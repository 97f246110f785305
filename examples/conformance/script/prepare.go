package script

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// prepare makes what is given to the case, and looks whether the server has what it needs: why not, if it hasn't.
func (p *play) prepare() (why string, err error) {
	if p.c.Protocol == IMAP {
		return p.prepareIMAP()
	}
	before, after, err := p.r.Capabilities(p.ctx, p.c.Protocol)
	if err != nil {
		return "", err
	}
	has := after
	if p.c.Greeting {
		has = before
	}
	if p.c.Login && !slices.Contains(before, "AUTH") && !slices.Contains(before, "STARTTLS") {
		return "needs AUTH", nil
	}
	if why := p.c.suits(has, p.vars); why != "" {
		return why, nil
	}
	p.vars["mark"] = p.r.id
	if p.c.Protocol == POP3 && p.c.Messages > 0 {
		return p.preparePOP3()
	}
	return "", nil
}

// prepareIMAP makes the mailbox and what is in it. Its name goes as the personal namespace does, and <d> is the delimiter.
func (p *play) prepareIMAP() (why string, err error) {
	before, after, err := p.r.Capabilities(p.ctx, IMAP)
	if err != nil {
		return "", err
	}
	has := after
	if p.c.Greeting {
		has = before
	}
	if why := p.c.suits(has, p.vars); why != "" {
		return why, nil
	}
	s, err := p.r.dial(p.ctx, IMAP)
	if err != nil {
		return "", err
	}
	p.setup = s
	if err := s.loginIMAP(p.r.t); err != nil {
		return "", err
	}
	prefix, delimiter, err := s.namespace()
	if err != nil {
		return "", err
	}
	p.vars["mark"], p.vars["d"], p.vars["prefix"] = p.r.id, delimiter, prefix
	box := fmt.Sprintf("%sscript-%08x", prefix, rand.Uint32())
	if _, err := s.do("CREATE " + box); err != nil {
		return "", err
	}
	p.vars["box"] = box
	for i := range p.c.Messages {
		if err := s.appendMessage(box, message(i+1)); err != nil {
			return "", err
		}
	}
	return "", nil
}

// namespace returns what names of the user's mailboxes begin with, and their delimiter.
func (c *conn) namespace() (prefix, delimiter string, err error) {
	if slices.Contains(c.caps, "NAMESPACE") {
		out, err := c.do("NAMESPACE")
		for _, r := range out {
			if len(r.nodes) > 2 && strings.EqualFold(r.nodes[1].text, "NAMESPACE") && len(r.nodes[2].list) > 0 && len(r.nodes[2].list[0].list) > 1 {
				first := r.nodes[2].list[0].list
				return first[0].text, first[1].text, nil
			}
		}
		if err != nil {
			return "", "", err
		}
	}
	out, err := c.do(`LIST "" ""`)
	for _, r := range out {
		if len(r.nodes) > 3 && strings.EqualFold(r.nodes[1].text, "LIST") {
			return "", r.nodes[3].text, nil
		}
	}
	return "", "/", err
}

// message is the n-th message that stands in the mailbox.
func message(n int) string {
	return fmt.Sprintf("Date: %d Mar 2026 12:00:00 +0700\r\nFrom: Alice <alice@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: message %d\r\n"+
		"Message-ID: <m%d@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nBody of message %d\r\n", n%28+1, n, n, n)
}
