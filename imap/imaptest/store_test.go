package imaptest_test

import (
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/maildir/storetest"
)

// The test double keeps the contract that every store keeps.
func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) mail.Store {
		s := imaptest.NewStore()
		s.TextSearch = true
		return s
	})
}

func TestSharing(t *testing.T) {
	storetest.RunSharing(t, func(*testing.T) mail.Store {
		s := imaptest.NewStore()
		s.Sharing = true
		s.Groups = func(user string) []string {
			if user == storetest.Other {
				return []string{storetest.Group}
			}
			return nil
		}
		return s
	})
}
