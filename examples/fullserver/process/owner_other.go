//go:build !unix

package process

import "errors"

// Owner is the user whom the server becomes.
type Owner struct{ Name string }

var errOwner = errors.New("a program can't become another user on this system: start it as that user, and leave mail_owner empty")

// LookupOwner can't find anybody here.
func LookupOwner(string) (*Owner, error) { return nil, errOwner }

// Keep makes a folder the owner's.
func (o *Owner) Keep(string) error { return errOwner }

// KeepFile makes a file the owner's.
func (o *Owner) KeepFile(string) error { return errOwner }

// Take makes files the owner's.
func (o *Owner) Take(...string) error { return errOwner }

// Owns reports a file or folder that is another's.
func (o *Owner) Owns(string) error { return errOwner }

// Become makes this process the owner's.
func (o *Owner) Become() error { return errOwner }
