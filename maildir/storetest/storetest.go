// Package storetest is the contract of package mail's stores as a test suite. A store that passes it may stand behind
// the IMAP and POP3 servers:
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) mail.Store { return &mystore.Store{Dir: t.TempDir()} })
//	}
package storetest
