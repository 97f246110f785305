// Package smime signs, verifies, encrypts and decrypts messages with S/MIME (RFC 8551), whose certificates are checked as
// RFC 8550 wants.
//
// [Signer] and [Encrypter] take a whole message as mime.Builder writes it and write a whole message. [Verifier] and
// [Decrypter] read one and say who signed it, when, whether the signature covers all of it, and whether the signer is the author.
//
// # What a result holds
//
// Content is the one thing that the cryptography vouches for: an entity, header and body with CRLF, for mime.BuildIndex to
// read. Show that and nothing else of the message beside its header. What stands around it came from anybody.
//
// A message is decrypted only when the encrypted part is the whole message, so that nobody can wrap stolen ciphertext in
// parts of his own, and no octet of plaintext is given out before it is known to be unchanged. AES-GCM knows that by itself; the
// older AES-CBC can't, and is given out only if a good signature inside covers it, or AllowUnauthenticated says otherwise.
//
// Everything is held in memory, within [Limits].
package smime
