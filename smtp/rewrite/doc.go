// Package rewrite finds out what an address means at a site: how it is written in full, what it is rewritten to, whom it stands for, and how mail
// gets there. These are the rules of Postfix's trivial-rewrite(8) and cleanup(8), which thousands of sites have written their tables for, as a
// library: with the same tables the answers are the same.
//
//	r := &rewrite.Rules{
//		Origin: "example.org", Hostname: "mail.example.org", Delimiter: "+",
//		Local:        rewrite.List("mail.example.org", "localhost"),
//		VirtualAlias: rewrite.Map{"info@example.org": "alice@example.org, bob@example.net"},
//	}
//	to, err := r.Recipients(ctx, "info+x@example.org") // alice+x@example.org, bob+x@example.net
//	way, err := r.Resolve(ctx, sender, to[1])          // smtp to example.net
//
// # The order of things
//
//	MAIL   Sender:     written in full, sender_canonical_maps, canonical_maps, masquerade_domains
//	RCPT   Unlisted:   is there such an address? Else the reply
//	       Recipients: written in full, recipient_canonical_maps, canonical_maps, masquerade_domains, virtual_alias_maps as
//	                   often as they have something
//	then   Resolve:    the class of the domain, its transport and next hop, transport_maps, relocated_maps
//	out    Generic:    smtp_generic_maps
//
// # Addresses
//
// Addresses are strings as they stand between the angle brackets of SMTP, as everywhere in package mail. Inside, and in the keys that tables are
// asked for last, quotes of the local part are gone; tables are asked for the quoted form first.
//
// # Tables
//
// A Table answers a string with a string. One that fails is an error, and the mail waits: no answer is ever made up. A table of patterns, which is
// not to be asked for pieces of addresses, implements PartTable.
//
// # Ends
//
// Every loop ends: tables that lead in a circle give a *LoopError that names the circle.
package rewrite
