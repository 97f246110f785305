// Package scene plays the mail hosts of a site on one machine, for the tests of the installations: each host is a process with an address of its
// own, from the ranges that main.cf names, and listens at the real ports; a name server answers for the site's zones and the Internet's. All of it
// is in a network of its own, which nothing leads out of and which ends with the test.
//
// A host is fullserver, or Debian's Postfix, with Debian's Dovecot where it has mailboxes: the same main.cf and tables for both.
package scene
