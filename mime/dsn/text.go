package dsn

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func (r *Report) text() string {
	text := ""
	if r.Text != nil {
		text = r.Text(r)
	} else {
		text = DefaultText(r)
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\n", "\r\n")
}

// Worst returns the action that the notification is about: failed before delayed before the others.
func (r *Report) Worst() Action {
	worst := Delivered
	for i := range r.Recipients {
		switch a := r.Recipients[i].action(); {
		case a == Failed:
			return Failed
		case a == Delayed || worst == Delivered:
			worst = a
		}
	}
	return worst
}

func (r *Report) subject() string {
	switch worst := r.Worst(); {
	case r.Copy && worst == Failed:
		return "Postmaster Copy: Undelivered Mail"
	case r.Copy && worst == Delayed:
		return "Postmaster Warning: Delayed Mail"
	}
	switch r.Worst() {
	case Failed:
		return "Undelivered Mail Returned to Sender"
	case Delayed:
		return "Delayed Mail (still being retried)"
	}
	return "Successful Mail Delivery Report"
}

// DefaultText is the part for people to read: what happened, what to do, and each recipient with the reason.
func DefaultText(r *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "This is the mail system at host %s.\n\n", r.ReportingMTA)
	switch worst := r.Worst(); {
	case r.Copy && r.CopyOf == "":
		b.WriteString("A message from the null sender, such as a notification, could not be delivered\nto the recipients below. It is attached. Nobody else has been told of it.\n")
	case r.Copy:
		fmt.Fprintf(&b, "This is what <%s> has been told of a message.\n", r.CopyOf)
	case worst == Failed:
		b.WriteString("Your message could not be delivered to one or more recipients.\nThe reason is given below each address.\n")
		if r.Return.Content != nil {
			if r.Return.HeaderOnly {
				b.WriteString("The header of your message is attached.\n")
			} else {
				b.WriteString("Your message is attached.\n")
			}
		}
		b.WriteString("\nIf you need help, please write to <postmaster> and include this report.\n")
	case worst == Delayed:
		b.WriteString("####################################################################\n" +
			"# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n" +
			"####################################################################\n\n" +
			"Your message has not been delivered yet to the recipients below.\n")
		if until := r.retryUntil(); until != "" {
			fmt.Fprintf(&b, "The mail system will keep trying until %s.\n", until)
		} else {
			b.WriteString("The mail system will keep trying.\n")
		}
	default:
		b.WriteString("Your message was delivered to the recipients below, as you asked to be told.\n" +
			"If it was relayed, no further notification may follow.\n")
	}
	b.WriteString("\n                   The mail system\n")
	for i := range r.Recipients {
		b.WriteString("\n" + r.Recipients[i].Line() + "\n")
	}
	return Wrap(b.String())
}

func (r *Report) retryUntil() string {
	for i := range r.Recipients {
		if t := r.Recipients[i].WillRetryUntil; !t.IsZero() {
			return t.Format("Mon, 2 Jan 2006 15:04:05 -0700")
		}
	}
	return ""
}

// Line says what happened to one recipient, in English: "<address> (you wrote to <alias>): host mx.example said: …".
func (c *Recipient) Line() string {
	line := "<" + c.Final + ">"
	if _, orig, ok := strings.Cut(c.Original, ";"); ok && !strings.EqualFold(strings.TrimSpace(orig), c.Final) {
		line += " (you wrote to <" + strings.TrimSpace(orig) + ">)"
	}
	return line + ": " + c.sentence()
}

// sentence says what happened to one recipient.
func (c *Recipient) sentence() string {
	diag := strings.Join(strings.Fields(c.Diagnostic), " ")
	switch {
	case diag == "" && c.RemoteMTA != "":
		return string(c.action()) + ", host " + c.RemoteMTA
	case diag == "":
		return string(c.action())
	case c.RemoteMTA != "":
		return "host " + c.RemoteMTA + " said: " + diag
	}
	return diag
}

// Wrap breaks lines longer than 76 characters at blanks and indents what follows. A word longer than a line may be is cut.
func Wrap(s string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ToValidUTF8(s, "\uFFFD")) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) <= 76 {
			b.WriteString(line + "\n")
			continue
		}
		col := 0
		for i, word := range strings.Split(line, " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case i > 0 && col > 4 && col+1+n > 76:
				b.WriteString("\n    ")
				col = 4
			case i > 0:
				b.WriteByte(' ')
				col++
			}
			for len(word) > 900 {
				cut := strings.ToValidUTF8(word[:900], "")
				b.WriteString(cut + "\n    ")
				word = word[len(cut):]
			}
			b.WriteString(word)
			col += n
		}
		b.WriteByte('\n')
	}
	return b.String()
}
