// Package pgpmime signs, verifies, encrypts and decrypts messages with OpenPGP as RFC 3156 puts it into MIME (PGP/MIME).
//
// [Signer] and [Encrypter] take a whole message as mime.Builder writes it and write a whole message. [Verifier] and
// [Decrypter] read one and say who signed it, when, whether the signature covers all of it, and whether the signer is the author.
// Texts signed without MIME are for [Verifier.VerifyCleartext].
// Whether a key belongs to whom it names is for the key ring's owner to know: give only keys that are trusted.
//
// # What a result holds
//
// Content is the one thing that the cryptography vouches for: an entity, header and body with CRLF, for mime.BuildIndex to
// read. Show that and nothing else of the message beside its header. What stands around it came from anybody.
//
// A message is decrypted only when it is a multipart/encrypted as a whole, with one block of armor and nothing around
// it, so that nobody can wrap stolen ciphertext in parts of his own; and no octet of plaintext is given out before its modification
// detection code or authentication tag was checked. Messages without one are refused.
//
// Everything is held in memory, within [Limits]. Keys are those of github.com/ProtonMail/go-crypto/openpgp.
package pgpmime
