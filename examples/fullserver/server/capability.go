package server

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// changeCapabilities returns what is taken away after changes, in the way of imap_capability: -NAME takes, +NAME gives back.
func changeCapabilities(without []imap.Capability, changes []string) ([]imap.Capability, error) {
	out := slices.Clone(without)
	for _, item := range changes {
		name, take := strings.CutPrefix(item, "-")
		if !take {
			var give bool
			if name, give = strings.CutPrefix(item, "+"); !give {
				return nil, fmt.Errorf("%q must begin with - or +: what is announced follows from what the server can do", item)
			}
		}
		if name == "" || strings.ContainsAny(name, " (){%*\"\\]") {
			return nil, fmt.Errorf("%q names no capability", item)
		}
		if take && slices.ContainsFunc(indispensable, func(c imap.Capability) bool { return strings.EqualFold(string(c), name) }) {
			return nil, fmt.Errorf("%s can't be taken away", name)
		}
		out = slices.DeleteFunc(out, func(c imap.Capability) bool { return strings.EqualFold(string(c), name) })
		if take {
			out = append(out, imap.Capability(name))
		}
	}
	return out, nil
}

// indispensable are what no server may do without (RFC 3501 section 6.1.1), and what says that it wants no password (RFC 9051
// section 6.2.3).
var indispensable = []imap.Capability{imap.CapIMAP4rev1, imap.CapLoginDisabled}

// withoutFor is what is taken away from a user: that of the listener, changed by the extra field userdb_imap_capability. A field that can't be
// read is told of and changes nothing.
func (s *Server) withoutFor(without []imap.Capability, id *mail.Identity) []imap.Capability {
	u, err := s.users.Lookup(context.Background(), id.AccountName())
	if err != nil {
		s.log.Print(dovecot+" imap", "warning: ", id.AccountName(), ": userdb_imap_capability: ", err.Error())
	}
	if u == nil {
		return without
	}
	field := u.Extra("userdb_imap_capability")
	if field == "" {
		return without
	}
	out, err := changeCapabilities(without, strings.Split(field, ","))
	if err != nil {
		s.log.Print(dovecot+" imap", "warning: ", u.Name, ": userdb_imap_capability: ", err.Error())
		return without
	}
	return out
}
