package mime

import (
	"fmt"
	"iter"
	"strings"
)

// Address is one entry of an address list: a mailbox, or one of the two marks around a group (RFC 5322 section 3.4).
// Its parts are those of IMAP's address structure.
type Address struct {
	Kind    AddressKind
	Name    string // display name, or the group's name; "" when there is none
	Route   string // obsolete source route "@a,@b", without the colon
	Mailbox string // local-part without quotes
	Host    string // domain, or a literal in brackets; "" when the address has none
}

// AddressKind tells mailboxes from group marks.
type AddressKind uint8

// The kinds. Between GroupStart and GroupEnd stand the group's members.
const (
	AddressMailbox AddressKind = iota
	GroupStart                 // Name is the group's name; the other fields are empty
	GroupEnd                   // all fields are empty
)

// SyntaxError says where a field body stops being what it should be.
type SyntaxError struct {
	What   string // such as "address list: no '>'"
	Offset int    // octets from the beginning of the body
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("mime: %s at octet %d", e.What, e.Offset) }

// Mailboxes yields the mailboxes of a list and leaves the group marks out.
func Mailboxes(list []Address) iter.Seq[Address] {
	return func(yield func(Address) bool) {
		for _, a := range list {
			if a.Kind == AddressMailbox && !yield(a) {
				return
			}
		}
	}
}

// ParseAddressList reads the body of a From, To or like field (RFC 5322 section 3.4, obsolete forms and RFC 6532's
// UTF-8 included). The list holds whatever could be read, with encoded words in names decoded; the error, a
// *[SyntaxError], is about the first thing that isn't as it should be and may be ignored. An empty body is an empty
// list and no error. Time is linear.
func ParseAddressList(body string) ([]Address, error) {
	return (&AddressParser{}).ParseList(body)
}

// ParseAddress reads a single mailbox such as "Bob <bob@example.test>". Unlike ParseAddressList it is strict: anything
// but exactly one well-formed address with local-part and domain is an error.
func ParseAddress(s string) (Address, error) {
	list, err := ParseAddressList(s)
	switch {
	case err != nil:
		return Address{}, err
	case len(list) != 1 || list[0].Kind != AddressMailbox:
		return Address{}, &SyntaxError{"not one address", 0}
	case list[0].Mailbox == "" || list[0].Host == "":
		return Address{}, &SyntaxError{"address without local-part or domain", 0}
	}
	return list[0], nil
}

// AddressParser reads address lists. The zero value decodes names with the built-in charsets.
type AddressParser struct {
	Raw     bool        // leave encoded words as they are, as IMAP's ENVELOPE does
	Decoder TextDecoder // for names, unless Raw
	Max     int         // addresses and group marks; default 10,000. What follows isn't read
}

// ParseList reads a list as [ParseAddressList] does.
func (p *AddressParser) ParseList(body string) ([]Address, error) {
	s := addressScanner{s: body, p: p, max: orDefault(p.Max, 10_000)}
	s.list = make([]Address, 0, min(strings.Count(body, ",")+1, s.max, 64))
	s.run()
	if len(s.list) == 0 {
		s.list = nil
	}
	if s.err != nil {
		return s.list, s.err
	}
	return s.list, nil
}
