// Package pop3 is the Post Office Protocol, version 3 (RFC 1939), both sides, with CAPA and PIPELINING (RFC 2449), STLS
// (RFC 2595) and TLS from the start (RFC 8314), AUTH with SASL (RFC 5034), response codes (RFC 2449, RFC 3206), and UTF8 and
// LANG (RFC 6856).
//
// [Server] serves the INBOX of any [mail.Store]:
//
//	srv := &pop3.Server{Store: store, Authenticator: users, TLSConfig: tlsConfig}
//	log.Fatal(srv.ListenAndServe(":110"))
//
// A message is removed only when a client that has marked it says QUIT; a session that ends in any other way changes
// nothing. Messages go from the store to the network as a stream, whatever their size.
//
// [Client] reads a maildrop, and [Collector] brings its messages into a mailbox, each once. Package pop3test has a server for the tests of programs that use one.
package pop3
