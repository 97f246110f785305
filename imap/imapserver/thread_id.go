package imapserver

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/internal/thread"
	"github.com/buuta/mail/mime"
)

// threadID returns a message's THREADID (RFC 8474 section 5.2): made of the identifier of the message that began its thread,
// as far as the message itself tells, or of its GUID where it tells nothing. It is a function of the content, so that "The server MUST return the same THREADID
// for all messages with the same EMAILID" is kept everywhere and for ever, without a table.
func threadID(env *mime.Envelope, guid mail.GUID) string {
	root, ok := thread.Root(env.References.Value, env.InReplyTo.Value, env.MessageID.Value)
	if !ok {
		root = string(guid)
	}
	sum := sha256.Sum256([]byte(root))
	return "T" + base64.RawURLEncoding.EncodeToString(sum[:15])
}
