package webmail

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
)

const (
	maxConversation  = 100             // messages that are listed
	conversationTime = 5 * time.Second // to look for them; after that the message is shown without
)

// conversation returns the address that searches all folders for the messages of a conversation, one's own answers with them: by the message
// that began it.
func conversation(h *mime.Header) string {
	if root := threadRoot(h); root != "" {
		return "/search?thread=" + url.QueryEscape(root)
	}
	return ""
}

// threadRoot returns the Message-ID of the message that began a conversation; "" where a message doesn't tell.
func threadRoot(h *mime.Header) string {
	for _, field := range []string{"References", "In-Reply-To", "Message-ID"} {
		if ids := h.MessageIDs(field); len(ids) > 0 && len(ids[0]) <= 500 {
			return ids[0]
		}
	}
	return ""
}

// talkParam asks for a message together with its conversation, however long that takes.
const talkParam = "talk"

// withTalk is the page's own address, with the conversation.
func (q *request) withTalk() string {
	u := *q.r.URL
	v := u.Query()
	v.Del("done")
	v.Set(talkParam, "yes")
	u.RawQuery = v.Encode()
	return u.RequestURI()
}

// addConversation lists the other messages of a conversation, those in other folders and one's own answers too, the newest first. A message that answers none and
// was not answered has none, and is not looked for. Where there is much to look through nobody waits for it: the page has the address that lists them, which scripts
// ask for by themselves.
func (q *request) addConversation(ctx context.Context, c *imapclient.Client, folders []folder, v *messageView, m *message, at *row) error {
	alone := !m.header.Has("References") && !m.header.Has("In-Reply-To") && !m.Flags.Has(`\Answered`) && (at == nil || len(at.Also) == 0)
	root := threadRoot(m.header)
	if q.prefs.NoThreads || alone || root == "" {
		return nil
	}
	total := 0
	for _, f := range folders {
		total += f.Total
	}
	if total > q.limits.Conversation && q.r.URL.Query().Get(talkParam) == "" {
		v.Later = q.withTalk()
		if at != nil {
			v.Also = slices.DeleteFunc(append([]mail.UID{at.UID}, at.Also...), func(u mail.UID) bool { return u == m.UID })
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, conversationTime)
	defer cancel()
	// A search for THREADID (RFC 8474) would say the same, but only of servers that have it.
	key := (&query{Thread: root}).key()
	found, err := q.searchConversation(ctx, c, key, folders, v.Folder.Name)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	if ids := m.header.MessageIDs("Message-ID"); len(ids) > 0 {
		seen[ids[0]] = true
	}
	// Of a message that lies in two folders the one is shown that is beside what is read.
	slices.SortStableFunc(folders, func(a, b folder) int { return rankFor(v.Folder.Name, a) - rankFor(v.Folder.Name, b) })
	for _, f := range folders {
		uids := found[f.Name]
		if f.Name == v.Folder.Name {
			uids = slices.DeleteFunc(uids, func(u mail.UID) bool { return u == m.UID })
		}
		if len(uids) > maxConversation {
			uids = uids[len(uids)-maxConversation:]
		}
		if len(uids) == 0 || len(v.Conversation) >= maxConversation {
			continue
		}
		if _, err := selectFolder(ctx, c, f.Name); err != nil {
			return err
		}
		rows, err := q.rows(ctx, c, imapclient.UID(uids...), folder{Name: f.Name, Label: f.Label})
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.Draft || r.MessageID != "" && seen[r.MessageID] {
				continue
			}
			seen[r.MessageID] = true
			if !r.Sent.IsZero() {
				r.Date = r.Sent // when it arrived here says nothing of the order in which they were written
			}
			if f.Use == mail.UseSent {
				r.Who = q.T("read.me")
			}
			if f.Name == v.Folder.Name {
				v.Also = append(v.Also, r.UID)
			} else {
				r.Folder = f.Label
			}
			v.Conversation = append(v.Conversation, r)
		}
	}
	slices.SortStableFunc(v.Conversation, func(a, b row) int { return b.Date.Compare(a.Date) })
	return nil
}

// rankFor puts a folder before the others.
func rankFor(first string, f folder) int {
	if f.Name == first {
		return 0
	}
	return 1
}

// searchConversation searches all folders but those for what was thrown away, where the server can do so at once; else the folder itself and those where
// answers lie.
func (q *request) searchConversation(ctx context.Context, c *imapclient.Client, key imap.SearchKey, folders []folder, here string) (map[string][]mail.UID, error) {
	out := map[string][]mail.UID{}
	if c.Has(imap.CapMultiSearch) {
		list, err := c.SearchMailboxes(ctx, []imap.MailboxFilter{{Scope: imap.ScopePersonal}}, key, &imap.SearchOptions{Return: true, All: true})
		for _, r := range list {
			if use := findFolder(folders, r.Mailbox).Use; r.Mailbox == here || use != mail.UseTrash && use != mail.UseJunk && use != mail.UseDrafts {
				out[r.Mailbox] = slices.Collect(r.All.UIDs(0).All())
			}
		}
		return out, err
	}
	for _, f := range folders {
		if f.Name != here && !f.Inbox() && f.Use != mail.UseSent && f.Use != mail.UseArchive {
			continue
		}
		if _, err := selectFolder(ctx, c, f.Name); err != nil {
			return out, err
		}
		r, err := c.Search(ctx, key, nil)
		if err != nil {
			return out, err
		}
		out[f.Name] = slices.Collect(r.UIDs.All())
	}
	return out, nil
}

// AlsoHere names the other messages of the conversation that lie in the same folder, for a form.
func (v *messageView) AlsoHere() string { return uidList(v.Also) }
