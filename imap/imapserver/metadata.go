package imapserver

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// adminEntry is the server's annotation that says how to reach who runs it (RFC 5464 section 3.2.1.1).
const adminEntry = "/shared/admin"

// annotated is the check of GETMETADATA and SETMETADATA: whether these commands exist here, and what the user may do with the
// mailbox, "" for the server.
func (c *Conn) annotated(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	if !c.offers(imap.CapMetadata) {
		return imap.No(imap.CodeCannot, "Only the server has annotations.")
	}
	_, err := c.access(ctx, name, mail.RightLookup, anyMetadata)
	return err
}

// hasMetadata reports whether there are annotations at all.
func (c *Conn) hasMetadata() bool {
	return c.offers(imap.CapMetadata) || c.offers(imap.CapMetadataServer)
}

// handleGetMetadata is GETMETADATA (RFC 5464 section 4.2).
func (c *Conn) handleGetMetadata(ctx context.Context, cmd *command) error {
	if !c.hasMetadata() {
		return imap.Bad("Unknown command")
	}
	c.dec.SP()
	g := c.dec.GetMetadata()
	g.Mailbox = normalName(g.Mailbox)
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if err := c.annotated(ctx, g.Mailbox); err != nil {
		return err
	}
	longest, err := c.tellMetadata(ctx, g)
	if err == nil && longest > 0 {
		cmd.done = imap.Okay(imap.CodeMetadata, "LONGENTRIES "+strconv.Itoa(longest), "GETMETADATA completed.")
	}
	return err
}

// tellMetadata writes a METADATA response and returns the size of the longest value that was left out for its size. An
// entry that was asked for by its very name and isn't there is NIL.
func (c *Conn) tellMetadata(ctx context.Context, g imap.GetMetadata) (longest int, err error) {
	all, err := c.metadata(ctx, g.Mailbox, g.Entries)
	if err != nil {
		return 0, err
	}
	var out []mail.Annotation
	for _, a := range all {
		switch {
		case !slices.ContainsFunc(g.Entries, func(entry string) bool { return covers(entry, a.Name, g.Depth) }):
		case g.MaxSize != nil && len(a.Value) > int(*g.MaxSize):
			longest = max(longest, len(a.Value))
		default:
			out = append(out, a)
		}
	}
	if g.Depth == "" || g.Depth == imap.DepthZero {
		for _, entry := range g.Entries {
			named := func(a mail.Annotation) bool { return a.Name == entry }
			if !slices.ContainsFunc(all, named) && !slices.ContainsFunc(out, named) {
				out = append(out, mail.Annotation{Name: entry})
			}
		}
	}
	if len(out) > 0 {
		c.enc.Raw("* METADATA ").Mailbox(g.Mailbox).SP().Metadata(out).CRLF()
	}
	return longest, nil
}

// metadata returns the annotations in the subtrees of entries.
func (c *Conn) metadata(ctx context.Context, mailbox string, entries []string) ([]mail.Annotation, error) {
	all, err := c.account.(mail.MetadataAccount).Metadata(ctx, mailbox, entries)
	if err != nil || mailbox != "" || c.srv.Admin == "" {
		return all, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(a mail.Annotation) bool { return a.Name == adminEntry })
	if entries == nil || slices.ContainsFunc(entries, func(e string) bool { return covers(e, adminEntry, imap.DepthInfinity) }) {
		all = append(all, mail.Annotation{Name: adminEntry, Value: []byte(c.srv.Admin)})
	}
	return all, nil
}

// covers reports whether name is entry or so far below it (RFC 5464 section 4.2.2).
func covers(entry, name string, depth imap.MetadataDepth) bool {
	rest, ok := strings.CutPrefix(name, entry)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return false
	case rest == "":
		return true
	case depth == imap.DepthOne:
		return strings.IndexByte(rest[1:], '/') < 0
	}
	return depth == imap.DepthInfinity
}
