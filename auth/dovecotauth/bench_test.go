package dovecotauth_test

import (
	"testing"

	"github.com/buuta/mail/auth/dovecotauth"
)

// BenchmarkLogin is a login over a socket, both sides.
func BenchmarkLogin(b *testing.B) {
	auth, _ := listen(b, server())
	c := &dovecotauth.Client{Path: auth}
	defer c.Close()
	a := request("alice", "secret")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Authenticate(b.Context(), a); err != nil {
			b.Fatal(err)
		}
	}
}
