package oauth2_test

import "testing"

// BenchmarkJWT is a login by token: the signature is nearly all of it.
func BenchmarkJWT(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		b.Run(alg, func(b *testing.B) {
			j, token := verifier(), sign(b, alg, nil, claims(nil))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
