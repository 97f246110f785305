package imapserver

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/internal/thread"
)

// handleThread is THREAD (RFC 5256; draft-ietf-morg-inthread for REFS).
func (c *Conn) handleThread(ctx context.Context, cmd *command) error {
	cmd.keepNumbers = !cmd.uid
	c.dec.SP()
	alg, charset, key := c.dec.ThreadProgram()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if !c.announces(imap.Capability("THREAD=" + string(alg))) {
		return imap.Bad("Unknown threading algorithm")
	}
	o := imap.SearchOptions{Charset: charset}
	if err := c.allowSearch(&o, &key, ""); err != nil {
		return err
	}
	s := c.newSearch(cmd, c.sel)
	defer s.msg.close()
	if err := s.prepare(ctx, &key, charset); err != nil {
		return err
	}
	universe := s.root.narrow(c.sel.view.all())
	// "Servers that advertise MESSAGELIMIT N will be unable to execute a THREAD command … with more than N messages." (RFC
	// 9738 section 3.3)
	if err := c.refuseMany(universe.Count(), false); err != nil {
		return err
	}
	list, err := s.threads(ctx, universe, alg)
	if err != nil {
		return err
	}
	c.enc.Raw("* THREAD").Threads(list).CRLF()
	return nil
}

// threads searches, and makes threads of what it finds.
func (s *search) threads(ctx context.Context, universe mail.UIDSet, alg imap.ThreadAlgorithm) ([]imap.Thread, error) {
	s.fields |= mail.FieldIndex | mail.FieldDate
	var b thread.Builder
	add := b.Add
	if alg == imap.ThreadOrderedSubject {
		add = b.AddSubject
	}
	err := s.run(ctx, universe, func() error {
		env, err := s.msg.envelope()
		if err != nil {
			return ignoreExpunged(err)
		}
		add(&thread.Message{Num: s.number(s.msg.m.UID), Date: thread.SentDate(env, s.msg.m.InternalDate), Subject: s.decodeText(env.Subject.Value),
			MessageID: env.MessageID.Value, References: env.References.Value, InReplyTo: env.InReplyTo.Value})
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case alg == imap.ThreadOrderedSubject:
		return b.OrderedSubject(), nil
	case alg == imap.ThreadRefs:
		return b.Refs(), nil
	}
	return b.References(), nil
}
