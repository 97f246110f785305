package imapserver

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/sasl"
)

// handleCapability is CAPABILITY (RFC 9051 section 6.1.1).
func (c *Conn) handleCapability(_ context.Context, _ *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	c.enc.Raw("* CAPABILITY").Capabilities(c.capabilities()).CRLF()
	return nil
}

// capabilities returns what may be announced now: less before login, so that the client asks again.
func (c *Conn) capabilities() []imap.Capability {
	literal := imap.CapLiteralPlus // "MUST NOT advertise both" (RFC 7888 section 5)
	if c.isDisabled(literal) {
		literal = imap.CapLiteralMinus
	}
	list := []imap.Capability{imap.CapIMAP4rev1, imap.CapIMAP4rev2, literal, imap.CapSASLIR, imap.CapID, imap.CapEnable,
		imap.CapIdle}
	if c.offers(imap.CapNamespace) {
		list = append(list, imap.CapLanguage) // "in the greeting" too; it needs the other (RFC 5255 section 3.1)
	}
	if c.identity == nil {
		if c.canStartTLS() {
			list = append(list, imap.CapStartTLS)
		}
		if !c.mayPlaintext() {
			list = append(list, imap.CapLoginDisabled)
		}
		for _, m := range c.sasl().Mechanisms() {
			list = append(list, imap.Capability("AUTH="+m))
		}
	} else {
		list = append(list, imap.CapNamespace, imap.CapChildren, imap.CapUnselect, imap.CapUIDPlus, imap.CapMove,
			imap.CapSpecialUse, imap.CapCreateSpecial, imap.CapListExtended, imap.CapListStatus, imap.CapStatusSize,
			imap.CapESearch, imap.CapSearchRes, imap.CapCondStore, imap.CapQResync, imap.CapMultiAppend, imap.CapWithin,
			imap.CapUTF8Accept, imap.CapObjectID, imap.CapSaveDate, imap.CapUnauthenticate, c.appendLimit())
		list = append(list, c.accountCapabilities()...)
		list = append(list, c.searchCapabilities()...)
		list = append(list, c.messageCapabilities()...)
	}
	return slices.DeleteFunc(list, func(name imap.Capability) bool { return !c.offers(name) })
}

func (c *Conn) capabilityString() string {
	var b strings.Builder
	for i, name := range c.capabilities() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(name))
	}
	return b.String()
}

func (c *Conn) isDisabled(name imap.Capability) bool {
	if name == imap.CapQResync && c.isDisabled(imap.CapCondStore) {
		return true // it is built on the other
	}
	if by := neededBy(name); by != "" && c.isDisabled(by) {
		return true
	}
	bare, _, _ := strings.Cut(string(name), "=") // of APPENDLIMIT and what else tells a number
	same := func(other imap.Capability) bool {
		return strings.EqualFold(string(name), string(other)) || strings.EqualFold(bare, string(other))
	}
	return name != imap.CapIMAP4rev1 && slices.ContainsFunc(c.without, same)
}

// sasl returns what internal/sasl has to know of this connection.
func (c *Conn) sasl() *sasl.Config {
	cfg := &sasl.Config{Authenticator: c.srv.Authenticator, Guard: c.srv.Guard, Service: orDefault(c.srv.Service, "imap"),
		Hostname: c.srv.host(), Remote: c.RemoteAddr(), Secured: c.mayPlaintext(), TLS: c.tls, Allow: c.srv.Mechanisms}
	if c.shown != nil {
		cfg.Certificate = c.shown.DER()
	}
	if c.mustStartTLS() {
		cfg.Authenticator = nil
	}
	return cfg
}

// mayPlaintext reports whether passwords may cross this connection.
func (c *Conn) mayPlaintext() bool {
	return c.tls != nil || !c.srv.RequireSecure && c.srv.AllowPlaintext != nil && c.srv.AllowPlaintext(c)
}

// mustStartTLS reports whether no login at all is possible now.
func (c *Conn) mustStartTLS() bool { return c.srv.RequireSecure && c.tls == nil }

func (c *Conn) canStartTLS() bool { return c.srv.TLSConfig != nil && c.tls == nil && c.identity == nil }

// loggedInAs puts the session into authenticated state.
func (c *Conn) loggedInAs(ctx context.Context, id *mail.Identity) error {
	if c.srv.Store == nil {
		return mail.ErrNoAccount
	}
	account, err := c.srv.Store.Account(ctx, id.AccountName())
	if err != nil {
		return err
	}
	c.identity, c.account = id, account
	c.stream.latest = time.Time{}
	if c.srv.WithoutFor != nil {
		c.without = c.srv.WithoutFor(id)
	}
	c.applyLimits()
	return nil
}
