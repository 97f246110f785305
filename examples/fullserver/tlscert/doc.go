// Package tlscert looks after a server's certificates: it makes a self-signed one for a first start, serves those on disk, of several kinds of
// keys and by the name that a client asks for, reads them again when they have changed, so that a renewal needs no restart, and says when one
// is about to expire.
package tlscert
