package sasl_test

import (
	"context"
	"fmt"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// What a server announces depends on its Authenticator and on the connection.
func ExampleConfig_Mechanisms() {
	onlyCompares := newUsers()
	hasPasswords := &rich{users: newUsers()}
	fmt.Println((&sasl.Config{Authenticator: onlyCompares}).Mechanisms())
	fmt.Println((&sasl.Config{Authenticator: onlyCompares, Secured: true}).Mechanisms())
	fmt.Println((&sasl.Config{Authenticator: hasPasswords}).Mechanisms())
	// Output:
	// []
	// [PLAIN LOGIN]
	// [SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 ANONYMOUS]
}

// A server's AUTH command: Run needs a function that sends a challenge and reads a line.
func ExampleExchange_Run() {
	cfg := &sasl.Config{Authenticator: newUsers(), Service: "pop3", Secured: true}
	e, err := cfg.Start(context.Background(), "LOGIN")
	if err != nil {
		fmt.Println("-ERR", err)
		return
	}
	client := []string{"dXNlcg==", "cGVuY2ls"}
	err = e.Run("", func(challenge string) ([]byte, error) {
		line := client[0]
		client = client[1:]
		fmt.Println("S: +", challenge)
		fmt.Println("C:", line)
		return []byte(line), nil
	})
	fmt.Println(e.Identity().Username, err)
	// Output:
	// S: + VXNlcm5hbWU6
	// C: dXNlcg==
	// S: + UGFzc3dvcmQ6
	// C: cGVuY2ls
	// user <nil>
}

// A client takes the best of what is offered.
func ExampleClientConfig() {
	cfg := &sasl.ClientConfig{
		Credentials: &mail.Credentials{Username: "user", Password: "pencil"},
		Offered:     []string{"PLAIN", "CRAM-MD5", "SCRAM-SHA-256"},
	}
	x, err := cfg.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	initial, ok := x.Initial()
	fmt.Println(x.Mechanism(), len(initial) > 0, ok)

	cfg.Offered = []string{"PLAIN"}
	_, err = cfg.Start()
	fmt.Println(err)
	// Output:
	// SCRAM-SHA-256 true true
	// mechanism needs a secured connection
}
