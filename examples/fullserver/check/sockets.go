package check

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// sockets looks whether something is there where main.cf hands mail on, or asks, over a socket: a site that moves from Dovecot has its name there.
func (k *checker) sockets(context.Context) {
	for _, param := range []string{"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions", "smtpd_relay_restrictions", "smtpd_recipient_restrictions", "smtpd_data_restrictions", "smtpd_end_of_data_restrictions"} {
		value, _ := k.c.Value(param)
		words := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\r\n{}", r) })
		for i, w := range words {
			if i == 0 || words[i-1] != "check_policy_service" {
				continue
			}
			if path, missing := k.missing(w, "unix:"); missing {
				hint := ""
				if strings.Contains(path, "quota") {
					hint = "; if it is Dovecot's quota-status, take it out: this server refuses who is full by itself"
				}
				k.warn(k.at(param, "nothing listens at %s: mail is answered 4xx until something does%s", path, hint))
			}
		}
	}
	a, l := &k.s.Addresses, &k.s.Local
	for _, t := range []struct{ param, value string }{
		{"local_transport", a.LocalTransport}, {"virtual_transport", a.VirtualTransport}, {"relay_transport", a.RelayTransport}, {"mailbox_transport", l.MailboxTransport}, {"fallback_transport", l.FallbackTransport},
	} {
		path, missing := k.missing(t.value, "lmtp:unix:")
		if !missing {
			continue
		}
		hint := ""
		if strings.Contains(path, "dovecot") {
			hint = "; if this server's own mailboxes take Dovecot's place, take the line out"
		}
		k.warn(k.at(t.param, "nothing listens at %s: mail waits until something does%s", path, hint))
	}
}

// missing reports whether value names a socket that isn't there; path is where it should be.
func (k *checker) missing(value, prefix string) (path string, missing bool) {
	path, ok := strings.CutPrefix(value, prefix)
	if !ok {
		return "", false
	}
	if !filepath.IsAbs(path) { // as in Postfix, whose programs run there
		path = filepath.Join(k.s.QueueDirectory, path)
	}
	info, err := os.Stat(path)
	return path, err != nil || info.Mode()&os.ModeSocket == 0
}
