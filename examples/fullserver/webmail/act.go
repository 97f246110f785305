package webmail

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// chosen returns the messages that a form is about: those that are ticked, or the one of the button.
func (q *request) chosen() (do string, uids mail.UIDSet, err error) {
	do, one, single := strings.Cut(q.r.PostFormValue("do"), ":")
	if do == "" && q.r.PostForm.Has("to") { // a button for each folder
		do = "move"
	}
	list := q.r.PostForm["uid"]
	if single {
		list = []string{one}
	}
	if also := q.r.PostFormValue("also"); !single && also != "" && do != "purge" && do != "read" && do != "unread" && do != "star" && do != "unstar" {
		list = append(slices.Clone(list), also) // a conversation goes elsewhere as a whole; for good goes only what is seen
	}
	return do, uids, parseUIDs(&uids, list...)
}

// act does something with messages of a folder.
func (q *request) act() error {
	name, err := q.folder()
	if err != nil {
		return err
	}
	do, uids, err := q.chosen()
	if err != nil {
		return err
	}
	next := web.LocalPath(q.r.PostFormValue("next"), folderURL(name))
	if uids.Empty() && do != "empty" {
		return q.remember(&done{key: "done.none"}, next)
	}
	var d *done
	defer q.forgetCounts()
	err = q.in(name, func(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox) error {
		if q.r.PostFormValue("v") != strconv.FormatUint(uint64(m.UIDValidity), 10) {
			return changed // the UIDs of the page are other messages now, or none
		}
		d, err = q.perform(ctx, c, m, do, uids)
		return err
	})
	if err != nil {
		return err
	}
	if q.r.Header.Get("X-Quiet") != "" { // a script that shows nothing of it
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return q.remember(d, next)
}

// perform does it.
func (q *request) perform(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox, do string, uids mail.UIDSet) (*done, error) {
	switch do {
	case "read":
		return q.flag(ctx, c, m, uids, mail.FlagsAdd, `\Seen`, "done.read")
	case "unread":
		return q.flag(ctx, c, m, uids, mail.FlagsRemove, `\Seen`, "done.unread")
	case "star":
		return q.flag(ctx, c, m, uids, mail.FlagsAdd, `\Flagged`, "done.star")
	case "unstar":
		return q.flag(ctx, c, m, uids, mail.FlagsRemove, `\Flagged`, "done.unstar")
	case "archive":
		return q.moveTo(ctx, c, m, uids, mail.UseArchive, "done.archive")
	case "delete":
		return q.moveTo(ctx, c, m, uids, mail.UseTrash, "done.delete")
	case "spam":
		// Filters learn from these words (IANA's registry of IMAP keywords), and from the move.
		_, _ = c.Store(ctx, imapclient.UIDs(uids), mail.FlagsRemove, mail.NewFlags("$NotJunk"), &imapclient.StoreOptions{Silent: true})
		_, _ = c.Store(ctx, imapclient.UIDs(uids), mail.FlagsAdd, mail.NewFlags("$Junk"), &imapclient.StoreOptions{Silent: true})
		return q.moveTo(ctx, c, m, uids, mail.UseJunk, "done.spam")
	case "notspam":
		_, _ = c.Store(ctx, imapclient.UIDs(uids), mail.FlagsRemove, mail.NewFlags("$Junk"), &imapclient.StoreOptions{Silent: true})
		_, _ = c.Store(ctx, imapclient.UIDs(uids), mail.FlagsAdd, mail.NewFlags("$NotJunk"), &imapclient.StoreOptions{Silent: true})
		return q.move(ctx, c, m, uids, "INBOX", "done.notspam")
	case "move":
		to := q.r.PostFormValue("to")
		if to == "" || !validFolder(to) {
			return &done{key: "done.nowhere"}, nil
		}
		return q.move(ctx, c, m, uids, to, "done.move")
	case "purge", "empty":
		return q.purge(ctx, c, m, do, uids)
	}
	return nil, badRequest
}

// flag changes a flag of those messages that don't have it as is wanted, which undoing changes back.
func (q *request) flag(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox, uids mail.UIDSet, op mail.FlagOp, flag, key string) (*done, error) {
	has := imap.SearchKey{Op: imap.SearchAnd, Keys: []imap.SearchKey{{Op: imap.SearchUID, Set: numSet(uids)}, {Op: flagKey(flag, op == mail.FlagsRemove)}}}
	r, err := c.Search(ctx, has, nil)
	if err != nil {
		return nil, err
	}
	d := &done{key: key, count: r.UIDs.Count()}
	if r.UIDs.Empty() {
		return d, nil
	}
	f := mail.NewFlags(flag)
	if _, err := c.Store(ctx, imapclient.UIDs(r.UIDs), op, f, &imapclient.StoreOptions{Silent: true}); err != nil {
		return nil, err
	}
	d.folder, d.validity, d.uids, d.flags, d.op = m.Name, m.UIDValidity, r.UIDs, f, mail.FlagsRemove
	if op == mail.FlagsRemove {
		d.op = mail.FlagsAdd
	}
	return d, nil
}

// flagKey is what finds messages that have a flag, or don't.
func flagKey(flag string, has bool) imap.SearchOp {
	switch {
	case flag == `\Seen` && has:
		return imap.SearchSeen
	case flag == `\Seen`:
		return imap.SearchUnseen
	case has:
		return imap.SearchFlagged
	}
	return imap.SearchUnflagged
}

func numSet(s mail.UIDSet) imap.NumSet {
	var out imap.NumSet
	for _, r := range s.Ranges() {
		out.Ranges = append(out.Ranges, imap.NumRange{First: uint32(r.First), Last: uint32(r.Last)})
	}
	return out
}

func (q *request) moveTo(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox, uids mail.UIDSet, use mail.SpecialUse, key string) (*done, error) {
	to, err := q.ensureUse(ctx, c, use)
	if err != nil {
		return nil, err
	}
	return q.move(ctx, c, m, uids, to, key)
}

// move moves messages. Undoing moves them back, where the server has told what they are called now.
func (q *request) move(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox, uids mail.UIDSet, to, key string) (*done, error) {
	if to == m.Name {
		return &done{key: "done.same"}, nil
	}
	moved, err := c.Move(ctx, imapclient.UIDs(uids), to)
	if err != nil {
		return nil, err
	}
	d := &done{key: key, count: uids.Count()}
	if key == "done.move" {
		d.args = []any{clean(to, 100)}
	}
	if len(moved.To) > 0 {
		d.count = len(moved.To)
		d.folder, d.validity, d.uids, d.to = to, moved.UIDValidity, mail.UIDSetOf(moved.To...), m.Name
	}
	return d, nil
}

// purge deletes for good: messages, or all there are. In what is not thrown away yet it isn't done.
func (q *request) purge(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox, do string, uids mail.UIDSet) (*done, error) {
	list, err := q.listFolders(ctx, c)
	if err != nil {
		return nil, err
	}
	trash := false
	for _, f := range list {
		trash = trash || f.Name == m.Name && (f.Use == mail.UseTrash || f.Use == mail.UseJunk)
	}
	if !trash {
		return nil, badRequest
	}
	count := uids.Count()
	if do == "empty" {
		if q.r.PostFormValue("sure") != "yes" {
			return nil, &failure{status: http.StatusBadRequest, key: "folders.sure"}
		}
		r, err := c.Search(ctx, imap.SearchKey{Op: imap.SearchAll}, nil)
		if err != nil {
			return nil, err
		}
		uids, count = r.UIDs, r.UIDs.Count()
	}
	if count == 0 {
		return &done{key: "done.purge"}, nil
	}
	if _, err := c.Store(ctx, imapclient.UIDs(uids), mail.FlagsAdd, mail.NewFlags(`\Deleted`), &imapclient.StoreOptions{Silent: true}); err != nil {
		return nil, err
	}
	if err := c.ExpungeSet(ctx, imapclient.UIDs(uids)); err != nil {
		return nil, err
	}
	return &done{key: "done.purge", count: count}, nil
}
