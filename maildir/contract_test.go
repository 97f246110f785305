package maildir_test

import (
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mail.Store {
		return &maildir.Store{Path: t.TempDir() + "/%d/%n", NoSync: true, UserQuota: true} // syncs: in the other one
	})
}

// The same with every choice made the other way, on a file system in memory.
func TestContractOtherOptions(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mail.Store {
		return &maildir.Store{
			PathFunc: func(account string) (string, error) { return "/mail/" + account, nil },
			FS:       vfs.NewCrash(),
			UTF8:     true,
			LF:       true,

			UserQuota: true,

			Host:   "host/with:odd,name",
			Limits: maildir.Limits{IdleMailboxes: 1},
		}
	})
}
