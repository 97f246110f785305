package imaptest

import "github.com/buuta/mail"

// seen is one user's \Seen of a message in a mailbox that is not the user's own.
type seen struct {
	on bool
	at mail.ModSeq
}

// foreign reports whether the user keeps a \Seen apart from the mailbox.
func (a *account) foreign(b *box) bool { return a != b.account }

// look returns the message as the user has it. Its ModSeq is that of the last change which the user can have seen.
func (a *account) look(b *box, m *message) *message {
	if !a.foreign(b) {
		return m
	}
	out, mark := *m, b.seen[a][m.UID]
	out.Flags.System &^= mail.Seen
	if mark.on {
		out.Flags.System |= mail.Seen
	}
	out.ModSeq = max(m.ModSeq, mark.at)
	return &out
}

// messages returns the messages as the user has them, as of now.
func (a *account) messages(b *box) []*message {
	if !a.foreign(b) {
		return b.msgs
	}
	out := make([]*message, len(b.msgs))
	for i, m := range b.msgs {
		out[i] = a.look(b, m)
	}
	return out
}

// setSeen keeps a user's \Seen.
func (b *box) setSeen(a *account, uid mail.UID, s seen) {
	if b.seen == nil {
		b.seen = map[*account]map[mail.UID]seen{}
	}
	if b.seen[a] == nil {
		b.seen[a] = map[mail.UID]seen{}
	}
	b.seen[a][uid] = s
}
