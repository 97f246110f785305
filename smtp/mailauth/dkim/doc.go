// Package dkim verifies and makes DKIM signatures (RFC 6376, with RFC 8301 and RFC 8463's Ed25519).
//
// A message is read once, whatever the number of its signatures: a [Verifier] reads the header, which is bounded, then hashes
// the body as it comes. Lines end in CRLF, as on the wire.
package dkim
