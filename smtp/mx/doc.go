// Package mx finds out where mail for a domain goes and takes it there: mail exchangers by preference, both address
// families, TLS policy, the next host when one fails.
//
// A [Transport] makes a [mail.Deliverer] of a next hop. Results carry what the log and a bounce need:
//
//	Reply   250 2.0.0 OK                 what the remote said, unchanged
//	Relay   mx.example.net[192.0.2.1]:25 who said it; "" when nobody was reached
//	Detail  host mx.example.net[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)
//
// When there was no reply, Reply is made here, with the words and codes of Postfix: 4.4.1 "connect to
// mx.example.net[192.0.2.1]:25: Connection refused", 4.4.3 and 5.4.4 "Host or domain name not found. …", 5.1.10 for a domain
// that takes no mail (RFC 7505), 5.4.6 "mail for example.net loops back to myself".
//
// # Which host gets it
//
// Hosts are tried in their order until each recipient has an answer, at most five addresses and two that have greeted. The next
// host is tried for those recipients that the last one put off (4yz) or lost the connection for, as long as the message can
// be sent again: before anything of it was sent, or always when it is an io.Seeker or io.ReaderAt. Once the end of the message
// has been sent there is no other host, whatever the answer, so that nobody gets two copies.
//
// # TLS
//
// TLS is opportunistic: used when offered, with any certificate, and done without when it fails. More is asked for by the
// domain, through TLSA records (RFC 7672; needs a [SecureResolver] such as that of smtp/mx/dnssec) or MTA-STS (RFC 8461; needs an
// [STS]), by the sender (REQUIRETLS, RFC 8689), or by the program, through [Transport].Policy. What happened goes to
// [Transport].TLSReport; smtp/mx/tlsrpt makes the reports of RFC 8460 of it.
package mx
