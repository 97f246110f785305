// Package seal signs and encrypts mail on its way to other servers, by S/MIME (RFC 8551) and OpenPGP (RFC 3156), as tables say: for users whose programs can't.
// Mail that shall be encrypted and can't be waits, and never goes out as it is.
package seal
