package intake

import "github.com/buuta/mail/smtp"

// Extensions implements smtp.Extender: REQUIRETLS, which package smtp offers over TLS only.
func (s *session) Extensions() smtp.Extension {
	if s.b.RequireTLS && s.b.Kind != LMTP {
		return smtp.RequireTLS
	}
	return 0
}
