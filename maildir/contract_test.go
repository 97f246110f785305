package maildir_test

import (
	"context"
	"flag"
	"runtime/debug"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/storetest"
	"go.uber.org/goleak"
)

// soak lets TestCrashRandom go on with other workloads.
var soak = flag.Duration("soak", 0, "how long tests of crashes go on with new random workloads")

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // little is in use, so that the collector would run all the time
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mail.Store {
		return &maildir.Store{Path: t.TempDir() + "/%d/%n", NoSync: true, UserQuota: true} // syncs: in the other one
	})
}

// fewer lets the model of the contract, which TestContract asks in full, make a quarter of its runs.
func fewer(t *testing.T) { maildir.Fewer(t, 25) }

// The same with a folder a level.
func TestContractNested(t *testing.T) {
	fewer(t)
	storetest.Run(t, func(t *testing.T) mail.Store {
		return &maildir.Store{Path: t.TempDir() + "/%d/%n", Layout: maildir.LayoutFS, NoSync: true, UserQuota: true}
	})
}

// The same with every choice made the other way, on a file system in memory.
func TestContractOtherOptions(t *testing.T) {
	fewer(t)
	storetest.Run(t, func(t *testing.T) mail.Store {
		return &maildir.Store{
			PathFunc: func(account string) (string, error) { return "/mail/" + account, nil },
			FS:       vfs.NewCrash(),
			UTF8:     true,
			LF:       true,
			Compress: compress.Gzip(1),

			UserQuota: true,

			Host:   "host/with:odd,name",
			Limits: maildir.Limits{IdleMailboxes: 1},
		}
	})
}

// sharing is a store whose users share, as storetest wants them.
func sharing(s *maildir.Store) *maildir.Store {
	s.Sharing = &maildir.Sharing{Groups: func(_ context.Context, account string) ([]string, error) {
		if account == storetest.Other {
			return []string{storetest.Group}, nil
		}
		return nil, nil
	}}
	return s
}

func TestSharing(t *testing.T) {
	storetest.RunSharing(t, func(t *testing.T) mail.Store {
		return sharing(&maildir.Store{Path: "/mail/%d/%n", FS: vfs.NewCrash(), NoSync: true}) // some 10,000 mailboxes
	})
}

// A store that shares is a store still.
func TestContractSharing(t *testing.T) {
	fewer(t)
	storetest.Run(t, func(t *testing.T) mail.Store {
		return sharing(&maildir.Store{Path: t.TempDir() + "/%d/%n", NoSync: true})
	})
}
