package clientcert

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Fields are the words for ssl_cert_username_field: fields of the subject as Dovecot names them, and the addresses among the alternative names.
var Fields = []string{"commonName", "x500UniqueIdentifier", "emailAddress", "UID", "rfc822Name"}

var fieldIDs = map[string]asn1.ObjectIdentifier{
	"commonName":           {2, 5, 4, 3},
	"x500UniqueIdentifier": {2, 5, 4, 45},
	"emailAddress":         {1, 2, 840, 113549, 1, 9, 1},
	"UID":                  {0, 9, 2342, 19200300, 100, 1, 1},
}

// Name returns the user that a certificate is for, by one of Fields. A certificate with two such names, or none, is nobody's: which of them its holder is can't
// be said.
func Name(c *x509.Certificate, field string) (string, error) {
	var found []string
	if field == "rfc822Name" {
		found = c.EmailAddresses
	} else {
		id := fieldIDs[field]
		for _, n := range c.Subject.Names {
			if !n.Type.Equal(id) {
				continue
			}
			if v, ok := n.Value.(string); ok {
				found = append(found, v)
			}
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the certificate has %d of %s, not one", len(found), field)
	}
	name := found[0]
	if name == "" || len(name) > 512 || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("the certificate's %s can't be a user's name", field)
	}
	return name, nil
}
