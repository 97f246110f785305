//go:build !unix

package takeover

import "github.com/buuta/mail/examples/fullserver/process"

func ownerOf(string) (uid uint32, ok bool) { return 0, false }

func mayRead(*process.Owner, string) bool { return true }
