// Package oauth2 checks OAuth 2.0 access tokens for mail servers, which get them by OAUTHBEARER (RFC 7628) and XOAUTH2: JSON Web Tokens
// (RFC 7519) by keys that are known or fetched from the issuer ([JWT], [KeyDir], [Provider]), and others by asking a server
// about them ([Introspection], RFC 7662). An [Authenticator] makes users of mail of them, in the words of package mail.
//
// JSON Web Tokens are checked as RFC 8725 and RFC 9068 want it: the algorithm "none" doesn't exist, a key is good for algorithms of its own kind only,
// an issuer's keys for its own tokens, what a token says of keys (jku, x5u, jwk) is not believed, and one that is bound to a client's key (cnf) is
// nothing for a protocol that can't show that key.
package oauth2
