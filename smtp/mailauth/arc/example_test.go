package arc_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/arc"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
)

// A list writes down what it found, changes the message, and seals both.
func Example() {
	v := &arc.Verifier{Resolver: zone()} // yours is net.DefaultResolver
	chain, err := v.Verify(context.Background(), strings.NewReader(message))
	if err != nil {
		fmt.Println(err)
		return
	}
	found := &authres.Results{ServID: "one.example", Methods: []authres.Method{{Name: "dmarc", Result: authres.Pass}}}
	changed := strings.Replace(message, "Subject: ", "Subject: [list] ", 1)
	set, err := arc.Seal(strings.NewReader(changed), &dkim.Signer{Domain: "one.example", Selector: "s", Key: key}, found, chain, dkim.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	chain, err = v.Verify(context.Background(), strings.NewReader(set+changed))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(chain.Result)
	for _, s := range chain.Sets {
		fmt.Println(s.Domain, "found", s.Results.Methods[0].Name, s.Results.Methods[0].Result)
	}
	// Output:
	// pass
	// one.example found dmarc pass
}
