// Package postscreen stands in front of an SMTP server and lets through those clients that behave like mail servers, as Postfix's postscreen
// does: who speaks before the greeting, is on block lists, pipelines without leave or sends what is no SMTP is kept away or sent off, and never
// costs the server a session.
//
// A [Screen] wraps a listener. Its Accept gives the clients that passed:
//
//	screen := &postscreen.Screen{Hostname: "mx.example.net", Cache: cache}
//	err := server.Serve(screen.Listen(listener))
//
// Tests before the greeting (speaking early, block lists) take GreetWait, once: who passes is remembered in the [Cache] and next time let
// through at once. Tests after the greeting (Pipelining, NonSMTP, BareNewline) need a conversation, which the Screen has itself; who passes is
// told to come back later ("450 4.3.2"), since a conversation can't be handed on.
//
// A client that is being tested costs a goroutine and a few hundred octets besides its connection; nothing is read from it but one octet, until
// it speaks. Replies, log lines and the order of tests are Postfix's.
package postscreen
