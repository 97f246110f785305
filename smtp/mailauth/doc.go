// Package mailauth finds out who really sent a message, and signs those that go out.
//
// For a message that came in there is one call. It checks SPF (RFC 7208) of the client, the DKIM signatures (RFC 6376) and the
// ARC chain (RFC 8617), and whether one of the first two speaks for the author (DMARC, RFC 7489 as revised):
//
//	v := &mailauth.Verifier{Resolver: net.DefaultResolver}
//	results, err := v.Verify(ctx, message, mailauth.Envelope{IP: ip, Helo: helo, From: from})
//	field := results.Authentication("mx.example.org") // Authentication-Results, to put on top
//
// For one that goes out there is [SignAuthor], or [Sign]. The parts are packages of their own: spf, dkim, dmarc, arc, and authres for
// the Authentication-Results field (RFC 8601); mailauthtest is a DNS for tests.
//
// A message is read once, as a stream, in memory that doesn't depend on its size: the body is hashed for all signatures in one
// pass. What a message or a name server can make us do is bounded by [Limits].
//
// The results are those of the RFCs' clauses and examples, some six hundred of which are cases in the tests, and of Debian's pyspf,
// dkimpy, OpenDKIM and OpenDMARC; where one of those differs, the case says why.
package mailauth
