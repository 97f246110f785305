package imapserver

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleNamespace is NAMESPACE (RFC 9051 section 6.3.10).
func (c *Conn) handleNamespace(ctx context.Context, _ *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	return c.tellNamespaces(ctx)
}

// tellNamespaces writes a NAMESPACE response.
func (c *Conn) tellNamespaces(ctx context.Context) error {
	all, err := c.namespaces(ctx)
	if err != nil {
		return err
	}
	list := make([]imap.Namespace, 0, len(all))
	for _, n := range all {
		list = append(list, imap.Namespace{Namespace: n, Separator: "/"})
	}
	c.translateNamespaces(list)
	c.enc.Raw("* NAMESPACE ").Namespaces(list).CRLF()
	return nil
}

// namespaces returns the account's namespaces: the personal one alone where the store knows of no others.
func (c *Conn) namespaces(ctx context.Context) ([]mail.Namespace, error) {
	if a, ok := c.account.(mail.NamespaceAccount); ok {
		return a.Namespaces(ctx)
	}
	return []mail.Namespace{{Kind: mail.PersonalNamespace}}, nil
}
