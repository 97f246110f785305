package totp_test

import (
	"fmt"
	"time"

	"github.com/buuta/mail/auth/totp"
)

func Example() {
	k, _ := totp.ParseKey("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")
	fmt.Println(k.URI("Example", "alice@example.org")) // what her app reads from a QR code
	fmt.Println(k.At(time.Unix(1_111_111_109, 0)))     // what it shows then

	v := totp.NewVerifier() // one for all users, for as long as the server runs
	fmt.Println(v.Verify("alice@example.org", k, "000000"))
	// Output:
	// otpauth://totp/Example:alice@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example&algorithm=SHA1&digits=6&period=30
	// 081804
	// authentication failed: the code is wrong
}
