package oauth2

// Issues is issues.
func Issues(issuer, address string) bool { return issues(issuer, address) }
