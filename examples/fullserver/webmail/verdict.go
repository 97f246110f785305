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

// findVerdict reads the Authentication-Results of the server that is trusted (RFC 8601): it has removed others that bear its name. nil: it has
// nothing to say.
func findVerdict(h *mime.Header, servID string) *verdict {
	if servID == "" {
		return nil
	}
	for f := range h.Fields("Authentication-Results") {
		r, err := authres.Parse(f.Value())
		if err != nil || !strings.EqualFold(r.ServID, servID) {
			continue
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
		return nil // that of the server itself comes first
	}
	return nil
}
