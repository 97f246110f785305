package smtp

// Credentials are what a client logs in with (RFC 4954).
type Credentials struct {
	Username  string
	Password  string
	Token     string // OAuth 2.0 access token: OAUTHBEARER and XOAUTH2 are used rather than a password
	Authorize string // authorization identity to act as; "" for the user's own

	// Mechanisms are the SASL mechanisms that may be used, best first. nil means SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS,
	// SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN; with a Token OAUTHBEARER, XOAUTH2; EXTERNAL when there is
	// neither user name nor token. Of these, the first that the server offers is used.
	Mechanisms []string

	// AllowPlaintext permits mechanisms that show the password (PLAIN, LOGIN, OAUTHBEARER, XOAUTH2) on a connection
	// without TLS that isn't to this machine. Without it they are refused there (RFC 4954 section 4).
	AllowPlaintext bool
}
