package webmail

import (
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
)

// threadItem is what tells which messages belong together: the server's own word for it (RFC 8474), or the references that a message makes.
func threadItem(c *imapclient.Client) imap.FetchItem {
	if c.Has(imap.CapObjectID) {
		return imap.FetchItem{Att: imap.FetchThreadID}
	}
	return imapclient.Headers("References")
}

// threadOf returns the name of a message's conversation; "" where nothing tells. Messages of one conversation have the same, whatever folder they are in.
func threadOf(msg *imapclient.Message) string {
	if msg.ThreadID != "" {
		return msg.ThreadID
	}
	if raw, ok := msg.Section(imap.Section{Spec: imap.SectionFields, Fields: []string{"References"}}); ok {
		if ids := mime.ParseHeader(raw, nil).MessageIDs("References"); len(ids) > 0 {
			return ids[0]
		}
	}
	if msg.Envelope == nil {
		return ""
	}
	for _, field := range []string{msg.Envelope.InReplyTo.Value, msg.Envelope.MessageID.Value} {
		h := mime.ParseHeader([]byte("Message-ID: "+field+"\r\n\r\n"), nil)
		if ids := h.MessageIDs("Message-ID"); len(ids) > 0 {
			return ids[0]
		}
	}
	return ""
}

// inThreads puts the messages of a page that belong to one conversation into one row, where the newest of them stands. Nothing else of the folder is
// looked at, so that it costs the same however large that is: a conversation that is longer than a page goes on on the next.
func inThreads(rows []row) []row {
	var out []row
	at := map[string]int{}
	for _, r := range rows {
		i, known := at[r.Thread]
		if r.Thread == "" || r.Draft || !known {
			if r.Thread != "" && !r.Draft {
				at[r.Thread] = len(out)
			}
			out = append(out, r)
			continue
		}
		first := &out[i]
		first.Also = append(first.Also, r.UID)
		first.Seen, first.Attach = first.Seen && r.Seen, first.Attach || r.Attach
		first.Others = first.Others || !r.Seen
		if who := strings.Split(first.Who, ", "); !slices.Contains(who, r.Who) && len(who) < 4 {
			first.Who += ", " + r.Who
		}
	}
	return out
}

// Count returns how many messages of a page the row stands for.
func (r *row) Count() int { return 1 + len(r.Also) }

// Has reports whether the row stands for a message.
func (r *row) Has(uid mail.UID) bool { return r.UID == uid || slices.Contains(r.Also, uid) }

// Value names the row's messages in a form.
func (r *row) Value() string { return uidList(append([]mail.UID{r.UID}, r.Also...)) }

// uidList writes messages for a form, which parseUIDs reads.
func uidList(uids []mail.UID) string {
	var out []string
	for _, u := range uids {
		out = append(out, strconv.FormatUint(uint64(u), 10))
	}
	return strings.Join(out, ",")
}

// parseUIDs adds the messages that a form names.
func parseUIDs(set *mail.UIDSet, list ...string) error {
	for _, s := range list {
		for one := range strings.SplitSeq(s, ",") {
			u, err := parseUID(one)
			if err != nil {
				return badRequest
			}
			set.Add(u)
		}
	}
	return nil
}
