package webmail

import (
	"strings"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp/mailauth/authres"
)

// verdict is what the mail server has found of a message's sender by DMARC (RFC 7489): whether it is who it says to be.
type verdict struct {
	Pass   bool
	Domain string
}

// findVerdict returns nil where the server that is trusted has nothing to say.
func findVerdict(h *mime.Header, servID string) *verdict {
	r := trustedResults(h, servID)
	if r == nil {
		return nil
	}
	for _, m := range r.Methods {
		if !strings.EqualFold(m.Name, "dmarc") {
			continue
		}
		v := &verdict{m.Result == authres.Pass, clean(m.Prop("header", "from"), 255)}
		if v.Domain != "" && (v.Pass || m.Result == authres.Fail) {
			return v
		}
	}
	return nil
}

// trustedResults returns what the server that is trusted has found (RFC 8601): it has removed others that bear its name, and its own comes first.
func trustedResults(h *mime.Header, servID string) *authres.Results {
	if servID == "" {
		return nil
	}
	for f := range h.Fields("Authentication-Results") {
		if r, err := authres.Parse(f.Value()); err == nil && strings.EqualFold(r.ServID, servID) {
			return r
		}
	}
	return nil
}
