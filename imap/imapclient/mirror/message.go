package mirror

import (
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
)

// Message is a message of the copy.
type Message struct {
	UID     mail.UID
	ModSeq  mail.ModSeq // 0 where the server has none
	Flags   mail.Flags  // as they are here
	Server  mail.Flags  // as they were on the server when they last were seen
	Deleted bool        // deleted here, and to be expunged on the server
}

// News is what the server tells of a message.
type News struct {
	UID    mail.UID
	ModSeq mail.ModSeq
	Flags  mail.Flags
	// Undelete takes the deletion of a message back if the server's flags are others than they were.
	Undelete bool
	// Fetched has what Mirror.Items ask for, when the message is new.
	Fetched *imapclient.Message
}

// Stored says that the server has taken over a change of flags that was made here.
type Stored struct {
	UIDs  mail.UIDSet
	Op    mail.FlagOp
	Flags mail.Flags
}

// Changed reports whether the server has yet to learn of something.
func (m *Message) Changed() bool { return m.Deleted || !m.Flags.Equal(m.Server) }

// Learn takes over what the server tells: a flag that was changed here stays so, all others become as on the server. It reports
// whether anything is different now.
func (m *Message) Learn(n *News) bool {
	if m.UID == n.UID && m.ModSeq == n.ModSeq && m.Server.Equal(n.Flags) {
		return false
	}
	if m.UID == 0 {
		*m = Message{UID: n.UID, ModSeq: n.ModSeq, Flags: n.Flags, Server: n.Flags}
		return true
	}
	if n.Undelete && !m.Server.Equal(n.Flags) {
		m.Deleted = false
	}
	add, del := difference(m.Server, m.Flags)
	m.Flags = n.Flags.Apply(mail.FlagsAdd, add).Apply(mail.FlagsRemove, del)
	m.Server, m.ModSeq = n.Flags, n.ModSeq
	return true
}

// Took notes that the server has made this change, too. The flags here stay as they are: perhaps they have changed again.
func (m *Message) Took(s *Stored) { m.Server = m.Server.Apply(s.Op, s.Flags) }

// difference returns which flags have to be added to from, and which taken away, to get to.
func difference(from, to mail.Flags) (add, del mail.Flags) {
	add.System, del.System = to.System&^from.System, from.System&^to.System
	without := func(a, b mail.Flags) (out []string) {
		for _, k := range a.Keywords {
			if !slices.ContainsFunc(b.Keywords, func(o string) bool { return strings.EqualFold(o, k) }) {
				out = append(out, k)
			}
		}
		return out
	}
	add.Keywords, del.Keywords = without(to, from), without(from, to)
	return add, del
}

func none(f mail.Flags) bool { return f.System == 0 && len(f.Keywords) == 0 }

// minus returns the UIDs of a that are not in b. It is linear in their ranges.
func minus(a, b mail.UIDSet) (out mail.UIDSet) {
	rb := b.Ranges()
	for _, r := range a.Ranges() {
		first := uint64(r.First)
		for len(rb) > 0 && rb[0].Last < r.First {
			rb = rb[1:]
		}
		for i := 0; i < len(rb) && rb[i].First <= r.Last; i++ {
			if uint64(rb[i].First) > first {
				out.AddRange(mail.UID(first), rb[i].First-1)
			}
			first = max(first, uint64(rb[i].Last)+1)
		}
		if first <= uint64(r.Last) {
			out.AddRange(mail.UID(first), r.Last)
		}
	}
	return out
}
