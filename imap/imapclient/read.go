package imapclient

import (
	"errors"
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// read is the reading goroutine: it takes every response to whom it belongs until the connection ends.
func (c *Client) read(greeting *command) {
	err := c.readGreeting(greeting)
	for err == nil {
		err = c.readResponse()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.Join(ErrClosed, errors.New("server hung up"))
	}
	c.fail(err)
}

// readGreeting reads the first response (RFC 9051 section 7.1).
func (c *Client) readGreeting(greeting *command) error {
	d := c.dec
	tag := d.ResponseTag()
	c.traceReceived(tag)
	name := d.Keyword()
	if err := d.Err(); err != nil {
		return errors.Join(errors.New("this is no IMAP server"), err)
	}
	s := d.RespStatus(imap.StatusType(name))
	if err := d.CRLF(); err != nil {
		return err
	}
	switch {
	case tag != imap.Untagged || s.Type != imap.OK && s.Type != imap.PREAUTH && s.Type != imap.BYE:
		return errors.New("this is no IMAP server")
	case s.Type == imap.BYE:
		c.finish(greeting, s, nil)
		return errors.Join(ErrClosed, s)
	case s.Type == imap.PREAUTH:
		c.mu.Lock()
		c.state = StateAuthenticated
		c.mu.Unlock()
	}
	c.capabilityCode(s)
	ok := *s
	ok.Type = imap.OK
	c.finish(greeting, &ok, nil)
	return nil
}

// readResponse reads one response. What it returns ends the connection.
func (c *Client) readResponse() error {
	d := c.dec
	if d.Buffered() == 0 { // with a small buffer until something comes: most connections wait most of the time
		d.Release()
		if err := d.Wait(); err != nil {
			return err
		}
	}
	tag := d.ResponseTag()
	if d.InCommand() {
		c.traceReceived(tag)
	}
	var err error
	switch tag {
	case imap.Untagged:
		c.readUntagged()
		err = c.endResponse()
	case imap.Continuation:
		text := d.Text()
		err = c.endResponse()
		select {
		case c.plus <- text:
		default: // nobody asked, or twice
		}
	case "":
		err = c.endResponse()
	default:
		err = c.readTagged(tag)
	}
	return err
}

// endResponse ends a response. One that could not be read is passed over, and spoils the command that it belongs to.
func (c *Client) endResponse() error {
	d := c.dec
	err := d.CRLF()
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*imap.Status](err); !ok {
		return err // of the connection
	}
	if !c.spoilt {
		c.tell(MalformedEvent{spoiled(err)})
	}
	c.spoilt = false
	return d.Skip()
}

// readTagged ends a command.
func (c *Client) readTagged(tag string) error {
	d := c.dec
	s := d.RespStatus(imap.StatusType(d.Keyword()))
	if err := c.endResponse(); err != nil {
		return err
	}
	c.mu.Lock()
	var cmd *command
	var code func(*imap.Status)
	for _, r := range c.running {
		if strings.EqualFold(r.tag, tag) {
			cmd, code = r, r.code
		}
	}
	c.mu.Unlock()
	if cmd == nil {
		c.tell(UnknownEvent{tag + " " + s.String()})
		return nil
	}
	if code != nil {
		code(s)
	}
	c.mu.Lock()
	cmd.limited(s)
	c.mu.Unlock()
	if s.Type == imap.OK && cmd.then != nil {
		if err := cmd.then(); err != nil {
			return err
		}
	}
	if s.Code == imap.CodeAlert {
		c.tell(NoticeEvent{s})
	}
	c.finish(cmd, s, nil)
	if cmd.fetch != nil {
		cmd.fetch.end()
	}
	return nil
}

// readUntagged reads what follows "* ", but for its end.
func (c *Client) readUntagged() {
	d := c.dec
	if d.Err() != nil {
		return
	}
	if rest := d.Rest(); len(rest) > 0 && rest[0]-'0' <= 9 {
		num := d.Number()
		d.SP()
		c.readNumbered(num, d.Keyword())
		return
	}
	name := d.Keyword()
	if d.Err() != nil {
		return
	}
	if imap.IsStatus(name) {
		c.readStatus(d.RespStatus(imap.StatusType(name)))
		return
	}
	if name != "SEARCH" && name != "SORT" { // whose numbers each have a space before them, if there are any
		d.TrySP()
	}
	if c.readForCommand(name) {
		return
	}
	c.readUnasked(name)
}

// readForCommand lets the commands that run look at untagged data, the oldest first.
func (c *Client) readForCommand(name string) bool {
	c.mu.Lock()
	var takers []*command
	for _, cmd := range c.running {
		if cmd.take != nil {
			takers = append(takers, cmd)
		}
	}
	c.mu.Unlock()
	for _, cmd := range takers {
		c.mu.Lock()
		take := cmd.take
		c.mu.Unlock()
		if take(c.dec, name) {
			c.spoil(cmd)
			return true
		}
	}
	return false
}

// spoil notes that data of a command can't be read, if that is so.
func (c *Client) spoil(cmd *command) {
	err := c.dec.Err()
	if _, ok := errors.AsType[*imap.Status](err); !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spoilt = true; cmd.bad == nil {
		cmd.bad = spoiled(err)
	}
}

// readNumbered reads message data and sizes: "* 12 EXISTS".
func (c *Client) readNumbered(num uint32, name string) {
	d := c.dec
	switch name {
	case "FETCH":
		d.SP()
		c.readFetch(num, 0)
	case "UIDFETCH":
		d.SP()
		c.readFetch(0, mail.UID(num))
	case "EXISTS":
		c.changeMailbox(func(m *Mailbox) {
			if m.Messages != num {
				hasNews(m)
			}
			m.Messages = num
		})
		c.tell(ExistsEvent{num})
	case "RECENT":
		c.changeMailbox(func(m *Mailbox) { m.Recent = num })
		c.tell(RecentEvent{num})
	case "EXPUNGE":
		c.changeMailbox(func(m *Mailbox) {
			if hasNews(m); m.Messages > 0 {
				m.Messages--
			}
		})
		c.tell(ExpungeEvent{num})
	default:
		if d.Err() == nil {
			c.tell(UnknownEvent{imap.Untagged + " " + name + d.Unknown()})
		}
	}
}

// readStatus takes an untagged status response: its code says whom it is for.
func (c *Client) readStatus(s *imap.Status) {
	switch s.Type {
	case imap.BYE:
		c.mu.Lock()
		c.bye = s
		c.mu.Unlock()
		c.tell(ByeEvent{s})
		return
	case imap.OK:
		if c.mailboxCode(s) {
			return
		}
	}
	c.mu.Lock()
	c.limitedByNews(s) // where the tagged response has another code
	var codes []func(*imap.Status)
	for _, cmd := range c.running {
		if cmd.code != nil && s.Type == imap.OK {
			codes = append(codes, cmd.code)
		}
	}
	c.mu.Unlock()
	for _, f := range codes {
		f(s)
	}
	if s.Code == imap.CodeCapability && len(codes) == 0 {
		c.capabilityCode(s)
		return
	}
	if s.Type != imap.OK || s.Code != "" || len(codes) == 0 {
		c.tell(NoticeEvent{s})
	}
}

// readUnasked takes data that no command has asked for.
func (c *Client) readUnasked(name string) {
	d := c.dec
	var e Event
	switch name {
	case "CAPABILITY":
		l := readCapabilities(d)
		c.setCapabilities(l)
		return
	case "FLAGS":
		f, _, _ := d.FetchFlags()
		c.changeMailbox(func(m *Mailbox) { m.Flags = f })
		e = FlagsEvent{f}
	case "LIST", "LSUB":
		e = MailboxEvent{d.ListData()}
	case "STATUS":
		s := d.StatusData()
		if d.Err() != nil {
			c.spoilStatus()
			return
		}
		if c.giveStatus(s) {
			return
		}
		e = StatusEvent{s}
	case "ESEARCH":
		e = SearchEvent{d.ESearch()}
	case "ENABLED":
		c.addEnabled(readCapabilities(d))
		return
	case "VANISHED":
		c.readVanished()
		return
	case "METADATA":
		box, _, changed := d.MetadataResponse()
		e = MetadataEvent{box, changed}
	default:
		e = UnknownEvent{imap.Untagged + " " + name + " " + d.Unknown()}
	}
	if d.Err() == nil {
		c.tell(e)
	}
}

// giveStatus gives a STATUS response to the command that it answers. Servers don't always spell names as they were asked for.
func (c *Client) giveStatus(s *imap.StatusData) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	var askers []*command
	for _, cmd := range c.running {
		if cmd.counters != nil {
			askers = append(askers, cmd)
		}
	}
	for _, cmd := range askers {
		if cmd.counters(s, false) {
			return true
		}
	}
	return len(askers) == 1 && askers[0].counters(s, true)
}

// spoilStatus finds whom a STATUS response spoils that can't be read: STATUS, if only one runs. LIST does without, and asks again.
func (c *Client) spoilStatus() {
	var asker *command
	c.mu.Lock()
	for _, cmd := range c.running {
		if cmd.counters == nil {
			continue
		}
		if asker != nil || cmd.name != "STATUS" {
			asker = nil
			break
		}
		asker = cmd
	}
	c.mu.Unlock()
	if asker != nil {
		c.spoil(asker)
	}
}

// readVanished reads VANISHED (RFC 7162 section 3.2.10). With EARLIER it answers SELECT or FETCH and tells nothing of the
// present.
func (c *Client) readVanished() {
	d := c.dec
	earlier := d.Try('(')
	if earlier {
		d.Keyword()
		d.Special(')')
		d.SP()
	}
	var uids mail.UIDSet
	set := d.SequenceSet()
	if d.Err() != nil {
		return
	}
	uids = set.UIDs(mail.MaxUID)
	if earlier {
		c.mu.Lock()
		for _, cmd := range c.running {
			if cmd.fetch != nil {
				cmd.fetch.vanished.AddSet(uids)
			}
		}
		if c.selecting != nil {
			c.selecting.Vanished.AddSet(uids)
		}
		c.mu.Unlock()
		return
	}
	n := uint32(min(uids.Count(), 1<<31))
	c.changeMailbox(func(m *Mailbox) {
		hasNews(m)
		m.Messages -= min(n, m.Messages)
	})
	c.tell(VanishedEvent{uids})
}
