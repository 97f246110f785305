package script

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxCleaning is how long cleaning up may take, after a context has ended too.
const maxCleaning = 30 * time.Second

// close ends the connections and removes what the case has made.
func (p *play) close() {
	for _, stop := range p.transcript.stops {
		stop()
	}
	for _, c := range p.conns {
		c.leave()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), maxCleaning)
	defer cancel()
	p.ctx = ctx
	if p.setup != nil {
		if box := p.vars["box"]; box != "" {
			p.setup.removeMailboxes(box)
		}
		_ = p.setup.nc.Close()
	}
	if len(p.marks) > 0 {
		_, _ = p.find(true) // what the case itself has deleted is not there
	}
}

// removeMailboxes deletes the mailboxes and subscriptions whose names begin as it is said, the lowest first.
func (c *conn) removeMailboxes(prefix string) {
	for _, do := range []struct{ list, verb string }{{"LSUB", "UNSUBSCRIBE"}, {"LIST", "DELETE"}} {
		out, err := c.do(do.list + ` "" "` + prefix + `*"`)
		if err != nil {
			continue
		}
		var names []string
		for _, r := range out {
			if len(r.nodes) > 4 && strings.EqualFold(r.nodes[1].text, do.list) && strings.HasPrefix(r.nodes[4].text, prefix) {
				names = append(names, r.nodes[4].text)
			}
		}
		slices.Sort(names)
		for _, name := range slices.Backward(names) {
			_, _ = c.do(do.verb + ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`)
		}
	}
}

// Close removes the messages that went to To and are marked as this runner's from INBOX, by IMAP. An error says what stays.
func (r *Runner) Close(ctx context.Context) error {
	if !r.sent || r.t.Dial[IMAP] == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxCleaning)
	defer cancel()
	c, err := r.dial(ctx, IMAP)
	if err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	defer func() { _ = c.nc.Close() }()
	if err := c.loginIMAP(r.t); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	if _, err := c.do("SELECT INBOX"); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	ours, err := c.search("HEADER X-Conformance " + r.id)
	if err != nil || ours == "" {
		return err
	}
	expunge := "UID EXPUNGE " + ours
	if !slices.Contains(c.caps, "UIDPLUS") {
		// EXPUNGE takes all that is marked, and must not take what is not ours.
		if others, err := c.search("DELETED"); err != nil || others != "" {
			return fmt.Errorf("cleaning up: messages %s of INBOX stay, for others there are marked as deleted, and without UIDPLUS they would go too", ours)
		}
		expunge = "EXPUNGE"
	}
	if _, err := c.do("UID STORE " + ours + ` +FLAGS.SILENT (\Deleted)`); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	if _, err := c.do(expunge); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	return nil
}

// search returns the UIDs that match, with commas.
func (c *conn) search(keys string) (string, error) {
	out, err := c.do("UID SEARCH " + keys)
	var uids []string
	for _, r := range out {
		if len(r.nodes) > 2 && strings.EqualFold(r.nodes[1].text, "SEARCH") {
			for _, n := range r.nodes[2:] {
				uids = append(uids, n.text)
			}
		}
	}
	return strings.Join(uids, ","), err
}

// leave ends a connection. One of POP3 says QUIT and waits for the end, for the maildrop is locked until then: no message but the
// case's own is marked there. It does so twice, for the first may be taken for an answer within AUTH.
func (c *conn) leave() {
	if c.protocol == POP3 && c.write("QUIT\r\nQUIT\r\n") == nil {
		_ = c.nc.SetReadDeadline(time.Now().Add(min(c.timeout, 2*time.Second)))
		_, _ = io.Copy(io.Discard, io.LimitReader(c.r, maxResponse))
	}
	_ = c.nc.Close()
}
