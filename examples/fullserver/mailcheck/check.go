// Package mailcheck is what this server makes of package mailauth: mail from outside is checked, what came of it is written on top,
// and what its author's domain wants kept away goes to the junk mailbox or is refused; mail of our users is signed with
// keys from files.
package mailcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
)

// Checker checks mail from outside. It may be used by many goroutines at once.
type Checker struct {
	Verifier *mailauth.Verifier
	ServID   string // our authserv-id: myhostname
	Junk     bool   // file what fails in the junk mailbox
	Refuse   bool   // refuse it, where the author's domain wants that

	// Sealers are domains, in lower case, of those who pass mail on changed, lists above all, and are believed: what they seal with ARC
	// isn't kept away if the first of them found that it passed DMARC (RFC 8617 section 7.2.1).
	Sealers []string

	Reports *report.Collector // counts what came of it; nil: nobody does
}

// Verdict is what came of a check.
type Verdict struct {
	Fields  string      // to be put on top of the message: Authentication-Results, and above it why it is junk
	Text    string      // for the log
	Origin  mail.Origin // whether it is from whom its reverse-path names
	Refused *mail.Reply
}

// Check reads a message and judges it. The error is one of reading, or the reply to a message whose header is too large.
func (c *Checker) Check(ctx context.Context, message io.Reader, env mailauth.Envelope) (*Verdict, error) {
	r, err := c.Verifier.Verify(ctx, message, env)
	if errors.Is(err, mailauth.ErrHeaderTooLarge) {
		return nil, &mail.Reply{Code: 552, Enhanced: mail.EnhancedCode{5, 3, 4}, Text: "Error: message header is too large", Err: err}
	}
	if err != nil {
		return nil, err
	}
	v := &Verdict{Fields: r.Authentication(c.ServID).String(), Text: r.String(), Origin: origin(r, env.From)}
	reason, done, trusted := reason(r), dmarc.PolicyNone, c.sealed(r)
	if trusted && r.DMARC.Result == authres.Fail {
		v.Text += " (sealed by " + r.ARC.Sets[len(r.ARC.Sets)-1].Domain + ")"
	}
	switch {
	case reason == "", trusted && r.DMARC.Result == authres.Fail:
	case c.Refuse && r.DMARC.Disposition == dmarc.PolicyReject: // RFC 7489 section 10.3
		done = dmarc.PolicyReject
		v.Refused = mail.NewReply(550, mail.EnhancedCode{5, 7, 1}, "Email rejected per DMARC policy for "+r.DMARC.Domain)
	case c.Junk:
		done = dmarc.PolicyQuarantine
		v.Fields = local.JunkField + ": " + reason + "\r\n" + v.Fields
	}
	if c.Reports != nil {
		c.Reports.Add(counted(r, env, done, trusted))
	}
	return v, nil
}

// sealed reports whether all who have passed a message on are believed, and what the first of them found.
func (c *Checker) sealed(r *mailauth.Results) bool {
	if r.ARC.Result != authres.Pass {
		return false
	}
	for _, s := range r.ARC.Sets {
		if !slices.Contains(c.Sealers, s.Domain) {
			return false
		}
	}
	first := r.ARC.Sets[0].Results
	return first != nil && slices.ContainsFunc(first.Methods, func(m authres.Method) bool {
		return strings.EqualFold(m.Name, "dmarc") && m.Result == authres.Pass
	})
}

// counted is what a report tells of a message. Who it was for is nobody's business.
func counted(r *mailauth.Results, env mailauth.Envelope, done dmarc.Policy, trusted bool) *report.Message {
	m := &report.Message{Results: r, Disposition: done}
	if at := strings.LastIndexByte(env.From, '@'); at >= 0 {
		m.EnvelopeFrom = env.From[at+1:]
	}
	switch {
	case done == r.DMARC.Disposition:
	case trusted:
		m.Reasons = []report.Reason{{Type: "trusted_forwarder", Comment: "arc=pass"}}
	default:
		m.Reasons = []report.Reason{{Type: "local_policy"}}
	}
	return m
}

// reason says why a message should be kept away, "" where it needn't: the domain's owner says so, or whose domain it is is
// left open, so that a reader may be shown another than was checked (dmarcbis section 11.5).
func reason(r *mailauth.Results) string {
	d := r.DMARC
	switch {
	case d.Result == authres.Fail && d.Disposition != dmarc.PolicyNone:
		return fmt.Sprintf("dmarc=fail; %s wants mail that is not from it in %s", d.Domain, d.Disposition)
	case errors.Is(d.Err, dmarc.ErrAuthor) && len(r.Authors) > 1:
		return "dmarc=permerror; the message has authors of more than one domain"
	}
	return ""
}

// Clean returns a message without the Authentication-Results fields that only we may have added.
func Clean(message io.Reader, servID string) (io.Reader, error) {
	r, _, err := mailauth.Clean(message, 0, servID)
	if errors.Is(err, mailauth.ErrHeaderTooLarge) {
		return nil, &mail.Reply{Code: 552, Enhanced: mail.EnhancedCode{5, 3, 4}, Text: "Error: message header is too large", Err: err}
	}
	return r, err
}
