package autoconfig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/smallstep/pkcs7"
)

// apple answers with a profile that has no password: the phone asks for it.
func (h *Handler) apple(w http.ResponseWriter, r *http.Request) {
	address := asked(r)
	if address == "" {
		http.Error(w, "say for whom: "+ApplePath+"?email=name@domain", http.StatusBadRequest)
		return
	}
	site, local, domain, err := h.find(r.Context(), address, "")
	if err != nil {
		refuse(w, err)
		return
	}
	body, err := site.profile(local+"@"+domain, domain)
	if err == nil && canSign(site.Certificate) {
		body, err = sign(body, site.Certificate)
	}
	if err != nil {
		http.Error(w, "the profile can't be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-apple-aspen-config")
	w.Header().Set("Content-Disposition", `attachment; filename="email.mobileconfig"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

// profile is a configuration profile (Apple's "Configuration Profile Reference", com.apple.mail.managed).
func (s *Site) profile(address, domain string) ([]byte, error) {
	in, ok := s.first("imap")
	kind := "EmailTypeIMAP"
	if !ok {
		if in, ok = s.first("pop3"); !ok {
			return nil, fmt.Errorf("no way to read mail")
		}
		kind = "EmailTypePOP"
	}
	auth := "EmailAuthPassword"
	if !s.Password {
		auth = "EmailAuthCRAMMD5"
	}
	// The same address has the same name, so that a profile that comes again takes the place of the one before.
	labels := strings.Split(domain, ".")
	slices.Reverse(labels)
	id := strings.Join(labels, ".") + ".email"
	account := plist{
		{"PayloadType", "com.apple.mail.managed"}, {"PayloadVersion", 1}, {"PayloadIdentifier", id + ".account"}, {"PayloadUUID", uuid("account", address)},
		{"PayloadDisplayName", address}, {"EmailAccountDescription", address}, {"EmailAccountType", kind}, {"EmailAddress", address},
		{"IncomingMailServerAuthentication", auth}, {"IncomingMailServerHostName", s.Hostname}, {"IncomingMailServerPortNumber", int(in.Port)},
		{"IncomingMailServerUseSSL", true}, {"IncomingMailServerUsername", address},
	}
	if out, ok := s.first("smtp"); ok {
		account = append(account, plist{
			{"OutgoingMailServerAuthentication", auth}, {"OutgoingMailServerHostName", s.Hostname}, {"OutgoingMailServerPortNumber", int(out.Port)},
			{"OutgoingMailServerUseSSL", true}, {"OutgoingMailServerUsername", address}, {"OutgoingPasswordSameAsIncomingPassword", true},
		}...)
	}
	return plist{
		{"PayloadType", "Configuration"}, {"PayloadVersion", 1}, {"PayloadIdentifier", id}, {"PayloadUUID", uuid("profile", address)},
		{"PayloadDisplayName", address}, {"PayloadOrganization", domain}, {"PayloadRemovalDisallowed", false}, {"PayloadContent", []plist{account}},
	}.document()
}

// uuid makes one of a name (RFC 9562 section 5.8).
func uuid(kind, name string) string {
	h := sha256.Sum256([]byte("fullserver " + kind + " " + name))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16]))
}

// plist is a dictionary of a property list, in order.
type plist []struct {
	key   string
	value any
}

func (p plist) document() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n" + `<plist version="1.0">` + "\n")
	if err := p.write(&b); err != nil {
		return nil, err
	}
	b.WriteString("</plist>\n")
	return b.Bytes(), nil
}

func (p plist) write(b *bytes.Buffer) error {
	b.WriteString("<dict>\n")
	for _, e := range p {
		fmt.Fprintf(b, "<key>%s</key>", e.key)
		switch v := e.value.(type) {
		case string:
			b.WriteString("<string>")
			if err := xml.EscapeText(b, []byte(v)); err != nil {
				return err
			}
			b.WriteString("</string>\n")
		case int:
			fmt.Fprintf(b, "<integer>%d</integer>\n", v)
		case bool:
			fmt.Fprintf(b, "<%t/>\n", v)
		case []plist:
			b.WriteString("<array>\n")
			for _, d := range v {
				if err := d.write(b); err != nil {
					return err
				}
			}
			b.WriteString("</array>\n")
		}
	}
	b.WriteString("</dict>\n")
	return nil
}

// canSign reports whether there is a key that the CMS of profiles knows.
func canSign(c *tls.Certificate) bool {
	if c == nil || len(c.Certificate) == 0 {
		return false
	}
	key, ok := c.PrivateKey.(crypto.Signer)
	if !ok {
		return false
	}
	switch key.Public().(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		return true
	}
	return false
}

// sign puts a profile into SignedData with its certificate's chain (RFC 5652 section 5).
func sign(body []byte, c *tls.Certificate) ([]byte, error) {
	var chain []*x509.Certificate
	for _, der := range c.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
	}
	sd, err := pkcs7.NewSignedData(body)
	if err != nil {
		return nil, err
	}
	sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := sd.AddSigner(chain[0], c.PrivateKey, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, err
	}
	for _, issuer := range chain[1:] {
		sd.AddCertificate(issuer)
	}
	return sd.Finish()
}
