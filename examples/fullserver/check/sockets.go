package check

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// sockets looks whether something is there where main.cf hands mail on over a socket: a site that moves from Dovecot has its name there.
func (k *checker) sockets(context.Context) {
	a, l := &k.s.Addresses, &k.s.Local
	for _, t := range []struct{ param, value string }{
		{"local_transport", a.LocalTransport}, {"virtual_transport", a.VirtualTransport}, {"relay_transport", a.RelayTransport}, {"mailbox_transport", l.MailboxTransport}, {"fallback_transport", l.FallbackTransport},
	} {
		path, ok := strings.CutPrefix(t.value, "lmtp:unix:")
		if !ok {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(k.s.QueueDirectory, path)
		}
		if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
			continue
		}
		hint := ""
		if strings.Contains(path, "dovecot") {
			hint = "; if this server's own mailboxes take Dovecot's place, take the line out"
		}
		k.warn(k.at(t.param, "nothing listens at %s: mail waits until something does%s", path, hint))
	}
}
