package authres_test

import (
	"fmt"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/authres"
)

func ExampleParse() {
	r, err := authres.Parse(" mx.example.org; spf=fail smtp.mailfrom=joe@example.com;\r\n\tdkim=pass (2048-bit key) header.d=example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range r.Methods {
		fmt.Printf("%s %s=%s %q\n", r.ServID, m.Name, m.Result, m.Prop("header", "d"))
	}
	// Output:
	// mx.example.org spf=fail ""
	// mx.example.org dkim=pass "example.com"
}

// A value that a sender chose can't end the field, nor add a result to it.
func ExampleResults_String() {
	r := &authres.Results{ServID: "mx.example.org", Methods: []authres.Method{{Name: "spf", Result: authres.Pass,
		Props: []authres.Property{{Type: "smtp", Name: "mailfrom", Value: "eve; dmarc=pass\r\nBcc: x@example.com"}}}}}
	fmt.Print(strings.ReplaceAll(r.String(), "\r\n", "\n"))
	// Output:
	// Authentication-Results: mx.example.org;
	// 	spf=pass smtp.mailfrom="eve; dmarc=passBcc: x@example.com"
}
