// Package smtptest is what httptest is for HTTP: a mail server for tests. One line starts it, it keeps what it is sent,
// and it can be told to fail the way real servers do.
//
//	srv := smtptest.NewServer(t)
//	… send mail to srv.Addr() …
//	msg := srv.Messages()[0]
//
// A test that can choose how it dials needs no port: give it [Server.Dial], which is connected by a pipe in memory and
// works in a testing/synctest bubble.
package smtptest
