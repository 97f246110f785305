// Package pop2 is the Post Office Protocol, version 2 (RFC 937), both sides: what port 109 in textbooks is for. It has no
// encryption, no list of messages and no unique-ids, and nothing that speaks it has been written for decades. It is here so
// that the protocol can be seen, taught and tried:
//
//	C: HELO Fred Secret
//	S: #13 messages for you
//	C: READ 13
//	S: =537 characters in that message
//	C: RETR
//	S: (537 characters)
//	C: ACKD
//	S: =0 no more messages
//	C: QUIT
//	S: + OK
//
// [Server] serves the mailboxes of any [mail.Store]. [Client] reads them. Programs that want their mail use package pop3 or
// imapclient.
package pop2
