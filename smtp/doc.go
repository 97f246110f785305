// Package smtp sends, receives and relays mail by SMTP (RFC 5321), submission (RFC 6409) and LMTP (RFC 2033).
//
// # Server
//
// A [Server] is used as the one of net/http is: its zero value works, its fields are set before Serve. What comes in is
// handed to a [mail.Deliverer]; the shortest program that receives mail is
//
//	srv := &smtp.Server{Backend: smtp.Handle(mail.DelivererFunc(
//		func(ctx context.Context, env *mail.Envelope, message io.Reader) error { … }))}
//	err := srv.ListenAndServe(":25")
//
// A program that wants a say in more than the message gives a [Backend], which makes a [Session] for each connection. A
// Session is a Deliverer for that one client, and may implement small interfaces for what else a client can ask:
// [HelloSession], [AuthSession], [Verifier], [Expander], [Flusher], [Helper], [Extender] and others. What a session doesn't
// implement is not announced to the client.
//
// [Limits] and [Timeouts] bound what a client can make a server do, [Hooks] tell of everything that a log wants to know.
//
// # Client
//
// [Send] sends one message in one call. A [Client] is one connection, a [Transport] a small pool of them; both are
// Deliverers, so that a message goes out by the calls by which it came in. Package smtp/mx finds the hosts for a domain.
// Package smtp/smtptest has the server for tests of programs that send mail.
//
// # Answers
//
// Every answer that a session or a transaction gives is an error: nil says yes, a *[Reply] is sent as it is, and of any
// other error the client learns "451 4.3.0" and nothing of its text.
package smtp
