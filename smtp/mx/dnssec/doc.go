// Package dnssec is a DNS resolver for smtp/mx that can tell which answers DNSSEC vouches for, so that DANE (RFC 7672) is
// possible.
//
// It does not validate signatures. It asks a resolver that does, and believes its AD bit (RFC 6840 section 5.7 and 5.8). That is
// only as good as the way to the resolver: a [Resolver] believes one on this machine, and another only when told to.
package dnssec
