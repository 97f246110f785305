package imap

import (
	"strings"

	"github.com/buuta/mail"
)

// Namespace is one of a NAMESPACE response (RFC 9051 section 7.3.3). Translation is how its prefix is shown to the user, ""
// where there is nothing better than the prefix itself (RFC 5255 section 3.4).
type Namespace struct {
	mail.Namespace
	Separator   string // "" for a flat one
	Translation string
}

// namespaceKinds is the order of the kinds in a response.
var namespaceKinds = [...]mail.NamespaceKind{mail.PersonalNamespace, mail.OtherUsersNamespace, mail.SharedNamespace}

// Namespaces requires what follows "NAMESPACE" in a response. Extensions but TRANSLATION are skipped.
func (d *Decoder) Namespaces() (list []Namespace) {
	for i, kind := range namespaceKinds {
		if i > 0 {
			d.SP()
		}
		if d.TryWord("NIL") {
			continue
		}
		d.Special('(')
		for d.Err() == nil && !d.Try(')') {
			d.TrySP() // RFC 9051 has none between namespaces, RFC 2342's examples neither, some servers do
			n := Namespace{Namespace: mail.Namespace{Kind: kind}}
			d.Special('(')
			n.Prefix = d.Mailbox()
			d.SP()
			n.Separator, _ = d.NString()
			for d.TrySP() {
				name := d.String()
				d.SP()
				d.List(func() {
					value := d.Mailbox()
					if strings.EqualFold(name, "TRANSLATION") {
						n.Translation = value
					}
				})
			}
			d.Special(')')
			if list = append(list, n); len(list) > d.Limits.Items {
				d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many namespaces"})
			}
		}
	}
	return list
}

// Namespaces writes what follows "NAMESPACE" in a response.
func (e *Encoder) Namespaces(list []Namespace) *Encoder {
	for i, kind := range namespaceKinds {
		if i > 0 {
			e.SP()
		}
		any := false
		for _, n := range list {
			if n.Kind != kind {
				continue
			}
			if !any {
				e.Raw("(")
			}
			any = true
			e.Raw("(").quotedName(n.Prefix).SP().NString(n.Separator, n.Separator != "")
			if n.Translation != "" {
				e.Raw(` "TRANSLATION" (`).quotedName(n.Translation).Raw(")")
			}
			e.Raw(")")
		}
		if any {
			e.Raw(")")
		} else {
			e.Raw("NIL")
		}
	}
	return e
}

// quotedName writes a mailbox name where the grammar wants a string.
func (e *Encoder) quotedName(name string) *Encoder {
	if !e.UTF8 {
		name = EncodeUTF7(name)
	}
	return e.String(name)
}
