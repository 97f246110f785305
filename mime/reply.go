package mime

import "strings"

// ReplyOptions say how a message is answered. The zero value answers the author without quoting.
type ReplyOptions struct {
	From  []Address // who answers; also left out of the recipients
	All   bool      // answer everybody the message went to
	Quote bool      // begin the text with the message's own, each line after "> "
}

// Reply returns a Builder for an answer to the message, with recipients, subject and references filled in (RFC 5322
// section 3.6.4). Its text is to be written, or added to when it holds the quoted one.
func (m *Message) Reply(o ReplyOptions) *Builder {
	b := &Builder{From: o.From, Subject: prefixed("Re: ", m.Subject), To: m.ReplyTo}
	if len(b.To) == 0 { // "When the "Reply-To:" field is present, it indicates the address(es) to which the author […] suggests that replies be sent"
		b.To = m.From
	}
	seen := make(map[string]bool)
	for _, list := range [][]Address{o.From, b.To} {
		for a := range Mailboxes(list) {
			seen[strings.ToLower(a.Addr())] = true
		}
	}
	if o.All {
		for _, list := range [][]Address{m.To, m.Cc} {
			for a := range Mailboxes(list) {
				if key := strings.ToLower(a.Addr()); !seen[key] {
					seen[key] = true
					b.Cc = append(b.Cc, a)
				}
			}
		}
	}
	if m.MessageID != "" {
		b.InReplyTo = []string{m.MessageID}
	}
	b.References = m.thread()
	if o.Quote {
		b.Text = m.quoted()
	}
	return b
}

// thread returns the References of an answer: "the contents of the parent's "References:" field (if any) followed by
// the contents of the parent's "Message-ID:" field"; without the former, its "In-Reply-To:" if that is one identifier.
// The middle of a very long thread is left out.
func (m *Message) thread() []string {
	refs := m.References
	if len(refs) == 0 && len(m.InReplyTo) == 1 {
		refs = m.InReplyTo
	}
	if len(refs) > 30 {
		refs = append(refs[:1:1], refs[len(refs)-29:]...)
	}
	refs = refs[:len(refs):len(refs)]
	if m.MessageID != "" {
		refs = append(refs, m.MessageID)
	}
	return refs
}

// quoted returns the text as an answer cites it, without its signature.
func (m *Message) quoted() string {
	var b strings.Builder
	if !m.Date.IsZero() {
		b.WriteString("On " + m.Date.Format("Mon, 2 Jan 2006 15:04 -0700") + ", ")
	}
	for a := range Mailboxes(m.From) {
		if a.Name != "" {
			b.WriteString(cleanText(a.Name) + " ")
		}
		b.WriteString("<" + a.Addr() + "> ")
		break
	}
	b.WriteString("wrote:\n")
	for line := range strings.Lines(strings.ReplaceAll(m.Text, "\r\n", "\n")) {
		line = strings.TrimSuffix(line, "\n")
		if line == "-- " {
			break
		}
		if b.WriteByte('>'); !strings.HasPrefix(line, ">") && line != "" {
			b.WriteByte(' ')
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// Forward returns a Builder that passes the message on as an attachment, byte by byte: give its content to the File's
// Content before writing.
func (m *Message) Forward(from []Address) *Builder {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, m.Subject)
	if name = strings.Trim(name, " ."); name == "" {
		name = "message"
	}
	if r := []rune(name); len(r) > 60 {
		name = string(r[:60])
	}
	return &Builder{
		From: from, Subject: prefixed("Fwd: ", m.Subject), References: m.thread(),
		Attachments: []File{{Filename: name + ".eml", Type: "message/rfc822"}},
	}
}

// prefixed puts a prefix before a subject that doesn't have it.
func prefixed(prefix, subject string) string {
	if len(subject) >= len(prefix)-1 && strings.EqualFold(subject[:len(prefix)-1], prefix[:len(prefix)-1]) {
		return subject
	}
	return prefix + subject
}
