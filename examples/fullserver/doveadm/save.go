package doveadm

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
)

func saveCommands() []*command {
	return []*command{
		{name: "save", flags: "m:", usage: "[-m <mailbox>] < message", once: takeMessage, each: save},
		{name: "import", flags: "sU:", usage: "[-s] <source mail location> <destination parent mailbox> <search query>", least: 3, once: takeImport, each: importMail},
	}
}

// takeMessage reads a message from standard input; state is it, with CRLF line ends.
func takeMessage(_ context.Context, c *call) error {
	b, err := io.ReadAll(c.Stdin)
	if err != nil {
		return err
	}
	c.state = bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	return nil
}

func save(ctx context.Context, c *call, s *session) error {
	box, ok := c.flags['m']
	if !ok {
		box = "INBOX"
	}
	b := c.state.([]byte)
	draft := imapclient.NewDraft(b)
	draft.Binary = bytes.IndexByte(b, 0) >= 0
	if _, err := s.Append(ctx, box, draft); err != nil {
		c.fail(s.user, statusOf(err), "Failed to open mailbox %s: %s", box, because(err, box))
	}
	return nil
}

// source is what is imported.
type source struct{ location, parent string }

func takeImport(_ context.Context, c *call) (err error) {
	if c.flag('U') {
		return fatalf(exitUsage, "import -U: name the place of that user's mail, maildir:/path, instead")
	}
	if c.Open == nil {
		return fatalf(exitTemp, "import: there is nothing here that opens other mail")
	}
	c.state = source{c.args[0], strings.TrimSuffix(c.args[1], "/")}
	c.query, err = parseQuery(c.args[2:], time.Now())
	return err
}

// importMail copies messages from mail that lies somewhere into mailboxes below a parent, "" for the same names as there; with -s these are
// subscribed to.
func importMail(ctx context.Context, c *call, to *session) error {
	src := c.state.(source)
	store, err := c.Open(src.location)
	if err != nil {
		return fatalf(exitTemp, "import: %v", err)
	}
	from, err := dial(ctx, store, "import", to.user)
	if err != nil {
		return err
	}
	defer from.end()
	return c.found(ctx, from, true, func(box, _ string, uids mail.UIDSet) error {
		target := box
		if src.parent != "" {
			target = src.parent + "/" + box
		}
		if _, err := to.Create(ctx, target); err != nil && statusOf(err) != exitData {
			return err
		}
		if c.flag('s') {
			if err := to.Subscribe(ctx, target); err != nil {
				return err
			}
		}
		return carry(ctx, from, uids, to, target)
	})
}
