package policy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/buuta/mail/smtp/srs"
)

// SRS is what rewrites the senders of forwarded mail; nil where srs_domain is empty.
func (p *Policy) SRS() *srs.Rewriter { return p.srs }

// openSRS reads srs_secret_file.
func (p *Policy) openSRS(x *opener) {
	c := &p.set.SRS
	if c.Domain == "" || x.err != nil {
		return
	}
	w, err := p.Rules.Resolve(x.ctx, "", "x@"+c.Domain)
	if err != nil || w.Class == rewrite.Default || w.Class == rewrite.RelayTo {
		x.fail("srs_domain", fmt.Errorf("mail for %s is not taken here: add it to mydestination", c.Domain))
		return
	}
	secrets, err := secretsOf(c.SecretFile)
	if err != nil {
		x.fail("srs_secret_file", err)
		return
	}
	p.srs = &srs.Rewriter{Domain: strings.ToLower(c.Domain), Secrets: secrets, MaxAge: c.MaxAge}
}

// secretsOf reads the secrets of a file, or makes one in a new file.
func secretsOf(file string) ([]string, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		b = []byte(rand.Text() + "\n")
		if err = os.MkdirAll(filepath.Dir(file), 0o700); err == nil {
			err = os.WriteFile(file, b, 0o600)
		}
	}
	if err != nil {
		return nil, err
	}
	var secrets []string
	for line := range strings.Lines(string(b)) {
		if s := strings.TrimRight(line, "\r\n"); s != "" {
			secrets = append(secrets, s)
		}
	}
	if len(secrets) == 0 {
		return nil, errors.New("has no secret in it: write a long random line")
	}
	return secrets, nil
}

// returned finds out whom an address stands for that was made for a sender of forwarded mail; false for other addresses.
func (p *Policy) returned(ctx context.Context, sender, to string) ([]Target, bool, error) {
	if p.srs == nil || !srs.Is(to) {
		return nil, false, nil
	}
	back, err := p.srs.Reverse(rewrite.Unquote(to))
	switch {
	case errors.Is(err, srs.ErrNotSRS):
		return nil, false, nil
	case err != nil:
		return nil, true, mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "<"+to+">: Recipient address rejected: "+strings.TrimPrefix(err.Error(), "srs: "))
	}
	list, err := p.Recipients(ctx, sender, rewrite.Quote(back))
	return list, true, err
}
