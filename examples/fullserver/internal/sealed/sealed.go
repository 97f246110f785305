// Package sealed keeps secrets that must be had again in the clear, such as passwords for other servers, so that who has the file without the key has nothing.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// ErrUnreadable says that a secret was sealed with another key or for something else, or has been changed.
var ErrUnreadable = errors.New("the secret can't be read")

func sealer(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // callers' keys have 32 octets
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return a
}

// Seal encrypts a secret of at most 65,535 octets with a key of 32 octets (AES-256-GCM), bound to what it belongs to. It is padded, so that its length isn't told.
func Seal(key []byte, bound, secret string) []byte {
	a := sealer(key)
	nonce := make([]byte, a.NonceSize())
	rand.Read(nonce) // never fails
	plain := make([]byte, 2+(len(secret)+63)/64*64)
	plain[0], plain[1] = byte(len(secret)>>8), byte(len(secret))
	copy(plain[2:], secret)
	return a.Seal(nonce, nonce, plain, []byte(bound))
}

// Open returns what was sealed with the key and for bound; the error is ErrUnreadable.
func Open(key []byte, bound string, sealed []byte) (string, error) {
	a := sealer(key)
	if len(sealed) < a.NonceSize() {
		return "", ErrUnreadable
	}
	plain, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(bound))
	if err != nil || len(plain) < 2 {
		return "", ErrUnreadable
	}
	n := int(plain[0])<<8 | int(plain[1])
	if n > len(plain)-2 {
		return "", ErrUnreadable
	}
	return string(plain[2 : 2+n]), nil
}
