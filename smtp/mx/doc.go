// Package mx finds out where mail for a domain goes and takes it there: mail exchangers by preference, both address
// families, TLS policy, the next host when one fails.
//
// A [Transport] makes a [mail.Deliverer] of a next hop. Results carry what the log and a bounce need:
//
//	Reply   250 2.0.0 OK                 what the remote said, unchanged
//	Relay   mx.example.net[192.0.2.1]:25 who said it; "none" when nobody was reached
//	Detail  host mx.example.net[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)
//
// When there was no reply, Reply is made here, with the words and codes of Postfix: 4.4.1 "connect to
// mx.example.net[192.0.2.1]:25: Connection refused", 4.4.3 and 5.4.4 "Host or domain name not found. …", 5.1.10 for a domain
// that takes no mail (RFC 7505), 5.4.6 "mail for example.net loops back to myself".
package mx
