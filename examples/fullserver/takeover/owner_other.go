//go:build !unix

package takeover

import "os/user"

func ownerOf(string) (uid uint32, ok bool) { return 0, false }

func mayRead(*user.User, string) bool { return true }
