// Package interop has tests that check tokens of other people's OpenID Connect servers. It is a module of its own, so that nobody else needs what these servers do.
package interop
