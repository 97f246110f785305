// Package milter asks mail filters ("milters": rspamd, OpenDKIM, ClamAV and others) about SMTP sessions and messages, as Sendmail and Postfix do, by
// version 6 of their protocol and those down to 2.
//
// A [Session] goes along with an SMTP session and asks all filters at each step:
//
//	s := milter.Open(filters, macros)
//	defer s.Close()
//	if v := s.Connect(ctx, "host.example.net", addr); v.Reply != nil { … refuse … }
//	v = s.Hello(ctx, "host.example.net")
//	v = s.Mail(ctx, "alice@example.net", nil)
//	v = s.Recipient(ctx, "bob@example.org", nil)
//	v = s.Data(ctx)
//	v = s.Message(ctx, content, func(e *milter.Edits) (milter.Content, error) { … })
//
// A [Verdict] says what is to be done: go on, refuse with a reply, take the message and throw it away, or take it and hold it. What filters want changed in a
// message comes as [Edits] at its end, filter by filter; each sees what those before it have made of the message.
//
// A filter that can't be reached or breaks the protocol gets its [Filter.Default]; nothing that it sends costs more memory than [Filter.MaxPacket] and
// [Filter.MaxBody], nor more time than its timeouts.
//
// The protocol has no RFC; Todd Vierling wrote it down, and libmilter's mfdef.h has the numbers.
package milter
