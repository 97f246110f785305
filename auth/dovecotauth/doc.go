// Package dovecotauth is Dovecot's authentication protocol, versions 1.1 and 1.2, both sides. A [Server] checks logins for Postfix (smtpd_sasl_type = dovecot), Exim and others, and tells
// Dovecot's LMTP and doveadm which users there are. A [Client] has logins checked by Dovecot, or whatever else speaks the protocol, and a [UserClient] asks which users
// there are.
//
// The protocol runs over a socket of the file system. Both ends are trusted by each other in this: the client says where a user comes from and whether his
// connection is secured.
package dovecotauth
