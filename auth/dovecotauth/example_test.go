package dovecotauth_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/dovecotauth"
)

// Logins checked for Postfix, by smtpd_sasl_type = dovecot and smtpd_sasl_path, and asked for as Postfix does.
func Example() {
	dir, _ := os.MkdirTemp("", "auth")
	defer os.RemoveAll(dir)
	srv := &dovecotauth.Server{
		Authenticator: mail.AuthenticatorFunc(func(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
			if a.Username != "alice" || a.Password != "secret" {
				return nil, mail.ErrAuthFailed
			}
			return &mail.Identity{Username: "alice"}, nil
		}),
		Guard: new(mail.AuthThrottle),
	}
	l, err := net.Listen("unix", filepath.Join(dir, "auth"))
	if err != nil {
		fmt.Println(err)
		return
	}
	go srv.Serve(l)
	defer srv.Shutdown(context.Background())

	c := &dovecotauth.Client{Path: filepath.Join(dir, "auth")}
	defer c.Close()
	id, err := c.Authenticate(context.Background(), &mail.AuthRequest{Username: "alice", Password: "secret", Service: "smtp", Secured: true})
	fmt.Println(id.Username, err)
	_, err = c.Authenticate(context.Background(), &mail.AuthRequest{Username: "alice", Password: "guess", Service: "smtp", Secured: true})
	fmt.Println(err)
	// Output:
	// alice <nil>
	// authentication failed
}
