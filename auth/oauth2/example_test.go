package oauth2_test

import (
	"context"
	"fmt"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/oauth2"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
)

// A server whose users log in with tokens of the company's OpenID provider: OAUTHBEARER and XOAUTH2 are then announced.
func ExampleAuthenticator() {
	issuer := &oauth2.Provider{Configuration: "https://id.example.org/.well-known/openid-configuration"}
	users := &oauth2.Authenticator{
		Verifiers:     []oauth2.Verifier{&oauth2.JWT{Keys: issuer, Issuers: []string{"https://id.example.org"}, Audience: []string{"mail"}}},
		Scope:         []string{"mail"},
		Configuration: issuer.Configuration,
	}
	srv := &imapserver.Server{Store: imaptest.NewStore(), Authenticator: users}
	defer srv.Close()

	_, err := users.AuthenticateToken(context.Background(), new(mail.AuthRequest), "not.a.token")
	fmt.Println(err)
	// Output:
	// authentication failed: not a token of this kind
}
