package pop3_test

import (
	"context"
	"errors"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3/pop3test"
	"github.com/stretchr/testify/require"
)

// keeping is a store whose mailboxes keep unique-ids, and count how often they are asked for them.
type keeping struct {
	mail.Store
	ids   map[mail.UID]string
	err   error
	asked int
}

func (k *keeping) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := k.Store.Account(ctx, name)
	return keepingAccount{a, k}, err
}

type keepingAccount struct {
	mail.Account
	k *keeping
}

func (a keepingAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	m, err := a.Account.Open(ctx, name)
	return keepingMailbox{m, a.k}, err
}

type keepingMailbox struct {
	mail.Mailbox
	k *keeping
}

func (m keepingMailbox) UniqueIDs(context.Context) (map[mail.UID]string, error) {
	m.k.asked++
	return m.k.ids, m.k.err
}

// Unique-ids from elsewhere are asked for by the first UIDL, and not again; a UIDL that can't get them gives no others in their place, for a
// client would take all messages for new ones.
func TestKeptUniqueIDs(t *testing.T) {
	s := pop3test.NewUnstartedServer(t)
	s.Store.Add("alice", "Subject: 1\r\n\r\n")
	s.Store.Add("alice", "Subject: 2\r\n\r\n")
	k := &keeping{Store: s.Store, ids: map[mail.UID]string{2: "UID77-5"}, err: errors.New("list can't be read")}
	s.Config.Store = k
	s.Config.UIDLFormat = "m%u"
	p := connect(t, s.Config)
	p.talk("S~ \\+OK .*\nC: USER alice\nS~ \\+OK .*\nC: PASS secret\nS~ \\+OK .*\nC: LIST 2\nS~ \\+OK 2 .*")
	require.Zero(t, k.asked)
	p.talk("C: UIDL\nS: -ERR [SYS/TEMP] internal error, try again later\nC: UIDL 1\nS: -ERR [SYS/TEMP] internal error, try again later\nC: NOOP\nS: +OK")
	k.err = nil
	p.talk("C: UIDL\nS~ \\+OK .*\nS: 1 m1\nS: 2 UID77-5\nS: .\nC: UIDL 2\nS: +OK 2 UID77-5")
	require.Equal(t, 3, k.asked)
}
