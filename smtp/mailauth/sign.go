package mailauth

import (
	"bufio"
	"io"

	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// Sign reads a message that goes out and returns its DKIM-Signature fields, one for each signer, to be put before it. The
// message must be as it will be sent: CRLF line ends, lines no longer than 998 octets, nothing of it changed later.
func Sign(message io.Reader, signers ...*dkim.Signer) (string, error) {
	return dkim.Sign(message, 0, signers...)
}

// SignAuthor is Sign with the signers that choose returns for the domain of the author, in lower case and as A-labels: what DMARC
// wants is a signature of his domain. It returns "" where there are none, or not exactly one such domain; the message
// is then not read to its end.
func SignAuthor(message io.Reader, choose func(domain string) []*dkim.Signer) (string, error) {
	r := bufio.NewReader(signed.Lines(message))
	h, err := signed.ReadHeader(r, 1<<20)
	if err != nil {
		return "", err
	}
	domain := ""
	for _, a := range authors(h) {
		a, err := signed.ASCIIName(a)
		if err != nil || domain != "" && a != domain {
			return "", nil
		}
		domain = a
	}
	if domain == "" || len(h.All("From")) != 1 {
		return "", nil
	}
	signers := choose(domain)
	if len(signers) == 0 {
		return "", nil
	}
	var bodies signed.Bodies
	finish, err := dkim.Begin(h, &bodies, signers...)
	if err != nil {
		return "", err
	}
	if _, err := bodies.ReadFrom(r); err != nil {
		return "", err
	}
	return finish()
}
