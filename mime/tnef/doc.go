// Package tnef reads the Transport Neutral Encapsulation Format, the winmail.dat that Outlook and Exchange attach as
// application/ms-tnef: the files in it and the bodies of the message (MS-OXTNEF, MS-OXCDATA).
//
// Everything is read in one pass over the octets, and nothing is copied but names: what [Parse] returns refers to what was
// passed in. Damage ends the reading; what was read before it is returned, and the message says that it was damaged.
package tnef
