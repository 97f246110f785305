// Package imaptest is what httptest is for HTTP: an IMAP server in memory for tests. One line starts it, it can be looked into
// and changed behind its back, and it can be told to fail the way real servers do.
//
//	srv := imaptest.NewServer(t)
//	srv.Add("INBOX", "Subject: hello\n\nHi!\n")
//	… read srv.Addr() as imaptest.Username with imaptest.Password …
//
// A test that can choose how it dials needs no port: give it [Server.Dial], which is connected by a pipe in memory and
// works in a testing/synctest bubble. [Server.Fail] plans what goes wrong: a server that is slow, that stops in the middle, that
// refuses, that lies. [NewScript] plays written exchanges. [Store] is the mail store behind it, which
// may be used without a server.
package imaptest
