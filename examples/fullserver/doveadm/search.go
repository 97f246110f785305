package doveadm

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
)

func searchCommands() []*command {
	return []*command{
		{name: "search", usage: "<search query>", least: 1, once: takeQuery, each: search, out: []column{{key: "mailbox-guid", bare: true}, {key: "uid", bare: true}}},
		{name: "fetch", usage: "<fields> <search query>", least: 2, once: fetchFields, each: fetch, out: []column{}},
	}
}

// takeQuery reads the arguments as a search query.
func takeQuery(_ context.Context, c *call) (err error) {
	c.query, err = parseQuery(c.args, time.Now())
	return err
}

func search(ctx context.Context, c *call, s *session) error {
	return c.found(ctx, s, true, func(_, guid string, uids mail.UIDSet) error {
		for uid := range uids.All() {
			c.print.row(guid, decimal(uid))
		}
		return nil
	})
}

// record is a message with what is known of its mailbox.
type record struct {
	*imapclient.Message
	user, box, guid string
}

// field is what fetch shows of a message.
type field struct {
	name  string
	items []imap.FetchItem
	long  bool
	text  func(r *record) string
}

var header = imap.Section{Spec: imap.SectionHeader}

// moment is a time as fetch shows it.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05")
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// sent is when a message says that it was written.
func sent(r *record) time.Time {
	h, _ := r.Section(header)
	return mime.ParseHeader(h, nil).Date("Date")
}

// fields are those that have no name within them.
var fields = []field{
	{name: "user", text: func(r *record) string { return r.user }},
	{name: "mailbox", text: func(r *record) string { return r.box }},
	{name: "mailbox-guid", text: func(r *record) string { return r.guid }},
	{name: "seq", text: func(r *record) string { return decimal(r.Seq) }},
	{name: "uid", text: func(r *record) string { return decimal(r.UID) }},
	{name: "guid", items: imapclient.Items(imap.FetchEmailID), text: func(r *record) string { return string(r.EmailID) }},
	{name: "flags", items: imapclient.Items(imap.FetchFlags), text: func(r *record) string {
		names := r.Flags.Names()
		if r.Recent {
			names = append(names, `\Recent`)
		}
		system := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, `\`) })
		order := strings.Fields(`\Answered \Flagged \Deleted \Seen \Draft \Recent`)
		slices.SortFunc(system, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
		return strings.Join(append(system, slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, `\`) })...), " ")
	}},
	{name: "modseq", items: imapclient.Items(imap.FetchModSeq), text: func(r *record) string { return decimal(r.ModSeq) }},
	{name: "hdr", items: []imap.FetchItem{imapclient.Peek(header)}, long: true, text: section(header)},
	{name: "body", items: []imap.FetchItem{imapclient.Peek(imap.Section{Spec: imap.SectionText})}, long: true, text: section(imap.Section{Spec: imap.SectionText})},
	{name: "body.preview", items: imapclient.Items(imap.FetchPreview), text: func(r *record) string { return r.Preview }},
	{name: "body.snippet", items: imapclient.Items(imap.FetchPreview), text: func(r *record) string { return r.Preview }},
	{name: "text", items: []imap.FetchItem{imapclient.Peek(imap.Section{})}, long: true, text: section(imap.Section{})},
	{name: "size.virtual", items: imapclient.Items(imap.FetchSize), text: func(r *record) string { return decimal(r.Size) }},
	{name: "date.received", items: imapclient.Items(imap.FetchInternalDate), text: func(r *record) string { return moment(r.InternalDate.Local()) }},
	{name: "date.sent", items: []imap.FetchItem{imapclient.Peek(header)}, text: func(r *record) string {
		t := sent(r)
		if t.IsZero() {
			return ""
		}
		return moment(t.Local()) + t.Format(" (-0700)")
	}},
	{name: "date.saved", items: imapclient.Items(imap.FetchSaveDate), text: func(r *record) string { return moment(r.SaveDate.Local()) }},
	{name: "date.received.unixtime", items: imapclient.Items(imap.FetchInternalDate), text: func(r *record) string { return unix(r.InternalDate) }},
	{name: "date.sent.unixtime", items: []imap.FetchItem{imapclient.Peek(header)}, text: func(r *record) string { return unix(sent(r)) }},
	{name: "date.saved.unixtime", items: imapclient.Items(imap.FetchSaveDate), text: func(r *record) string { return unix(r.SaveDate) }},
}

// section is what a section holds, with the line ends of this system.
func section(s imap.Section) func(r *record) string {
	return func(r *record) string {
		b, _ := r.Section(s)
		return strings.ReplaceAll(string(b), "\r\n", "\n")
	}
}

// fetchFields reads the list of fields; state is what they are.
func fetchFields(ctx context.Context, c *call) error {
	var chosen []field
	for _, name := range strings.Fields(c.args[0]) {
		f, ok := fieldOf(name)
		if !ok {
			names := []string{"hdr.<name>", "body.<section>"}
			for _, f := range fields {
				names = append(names, f.name)
			}
			fmt.Fprintln(c.Stderr, "Available fetch fields: "+strings.Join(names, " "))
			return fatalf(exitTemp, "Unknown fetch field: %s", name)
		}
		chosen = append(chosen, f)
		c.print.cols = append(c.print.cols, column{key: name, long: f.long})
	}
	c.as("pager")
	c.state, c.args = chosen, c.args[1:]
	return takeQuery(ctx, c)
}

func fieldOf(name string) (field, bool) {
	for _, f := range fields {
		if f.name == strings.ToLower(name) {
			return f, true
		}
	}
	if n, ok := strings.CutPrefix(name, "hdr."); ok && n != "" {
		s := imap.Section{Spec: imap.SectionFields, Fields: []string{n}}
		return field{name: name, items: []imap.FetchItem{imapclient.Peek(s)}, text: func(r *record) string { return values(r, s) }}, true
	}
	if n, ok := strings.CutPrefix(name, "body."); ok {
		s := imap.Section{}
		for part := range strings.SplitSeq(n, ".") {
			i, err := strconv.ParseUint(part, 10, 16)
			if err != nil || i == 0 {
				return field{}, false
			}
			s.Part = append(s.Part, int(i))
		}
		return field{name: name, items: []imap.FetchItem{imapclient.Peek(s)}, long: true, text: section(s)}, true
	}
	return field{}, false
}

// values are those of a header field, unfolded, one a line.
func values(r *record, s imap.Section) string {
	b, _ := r.Section(s)
	text := strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(string(b))
	var out []string
	for line := range strings.SplitSeq(text, "\r\n") {
		if _, v, ok := strings.Cut(line, ":"); ok {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return strings.Join(out, "\n")
}

func fetch(ctx context.Context, c *call, s *session) error {
	chosen := c.state.([]field)
	var items []imap.FetchItem
	for _, f := range chosen {
		items = append(items, f.items...)
	}
	return c.found(ctx, s, true, func(box, guid string, uids mail.UIDSet) error {
		for m, err := range s.Fetch(ctx, imapclient.UIDs(uids), &imapclient.FetchOptions{Items: items}) {
			if err != nil {
				return err
			}
			r := &record{m, s.user, box, guid}
			row := make([]string, len(chosen))
			for i, f := range chosen {
				row[i] = f.text(r)
			}
			c.print.row(row...)
		}
		return nil
	})
}
