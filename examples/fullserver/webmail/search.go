package webmail

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// query is what is searched for, as the form has it.
type query struct {
	Text, From, To, Subject, Body string
	Since, Before                 string // days, as browsers write them
	Unread, Starred, Attached     bool
	Folder                        string // "": all
	Thread                        string // Message-ID of the first message of a conversation
}

// Empty reports whether nothing is asked for.
func (s *query) Empty() bool {
	return s.Text+s.From+s.To+s.Subject+s.Body+s.Since+s.Before+s.Thread == "" && !s.Unread && !s.Starred && !s.Attached
}

func (q *request) readQuery() (*query, error) {
	v := q.r.URL.Query()
	s := &query{Text: v.Get("q"), From: v.Get("from"), To: v.Get("to"), Subject: v.Get("subject"), Body: v.Get("body"), Since: v.Get("since"),
		Before: v.Get("before"), Unread: v.Get("unread") != "", Starred: v.Get("starred") != "", Attached: v.Get("attached") != "", Folder: v.Get("in"), Thread: v.Get("thread")}
	for _, t := range []string{s.Text, s.From, s.To, s.Subject, s.Body, s.Thread} {
		if len(t) > 500 || strings.ContainsAny(t, "\r\n\x00") || strings.ToValidUTF8(t, "") != t {
			return nil, badRequest
		}
	}
	if !validFolder(s.Folder) {
		return nil, badRequest
	}
	return s, nil
}

// key makes the search program.
func (s *query) key() imap.SearchKey {
	and := imap.SearchKey{Op: imap.SearchAnd}
	add := func(op imap.SearchOp, value string) {
		if value = strings.TrimSpace(value); value != "" {
			and.Keys = append(and.Keys, imap.SearchKey{Op: op, Value: value})
		}
	}
	and.Keys = textKeys(s.Text)
	add(imap.SearchFrom, s.From)
	add(imap.SearchTo, s.To)
	add(imap.SearchSubject, s.Subject)
	add(imap.SearchBody, s.Body)
	if s.Thread != "" {
		id := func(field string) imap.SearchKey {
			return imap.SearchKey{Op: imap.SearchHeader, Field: field, Value: "<" + s.Thread + ">"}
		}
		and.Keys = append(and.Keys, imap.SearchKey{Op: imap.SearchOr, Keys: []imap.SearchKey{id("Message-ID"), {Op: imap.SearchOr, Keys: []imap.SearchKey{id("References"), id("In-Reply-To")}}}})
	}
	for _, d := range []struct {
		op    imap.SearchOp
		value string
	}{{imap.SearchSince, s.Since}, {imap.SearchBefore, s.Before}} {
		if t, err := time.Parse(time.DateOnly, d.value); err == nil {
			and.Keys = append(and.Keys, imap.SearchKey{Op: d.op, Date: t})
		}
	}
	if s.Attached {
		and.Keys = append(and.Keys, attached())
	}
	if s.Unread {
		and.Keys = append(and.Keys, imap.SearchKey{Op: imap.SearchUnseen})
	}
	if s.Starred {
		and.Keys = append(and.Keys, imap.SearchKey{Op: imap.SearchFlagged})
	}
	if len(and.Keys) == 0 {
		and.Keys = []imap.SearchKey{{Op: imap.SearchAll}}
	}
	return and
}

type searchData struct {
	*page
	Query   *query
	List    *listView
	Asked   bool
	More    bool // there are older ones
	Partial bool // some folders were not searched: it took too long
}

// search finds messages, in one folder or in all.
func (q *request) search() error {
	s, err := q.readQuery()
	if err != nil {
		return err
	}
	p := q.page("search.title")
	p.Wide = true
	d := searchData{page: p, Query: s, Asked: !s.Empty(), List: &listView{Page: q.pageNumber()}}
	err = q.do(func(ctx context.Context, c *imapclient.Client) error {
		if err := q.addFolders(ctx, c, p); err != nil {
			return err
		}
		switch {
		case !d.Asked:
			return nil
		case s.Folder != "":
			return q.searchOne(ctx, c, &d)
		}
		return q.searchAll(ctx, c, &d)
	})
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "search", d)
}

// findFolder returns the folder with a name.
func findFolder(list []folder, name string) folder {
	for _, f := range list {
		if f.Name == name {
			return f
		}
	}
	return folder{Name: name, Label: name}
}

// searchOne searches one folder, whose messages the form of the list can then do things with.
func (q *request) searchOne(ctx context.Context, c *imapclient.Client, d *searchData) error {
	m, err := selectFolder(ctx, c, d.Query.Folder)
	if err != nil {
		return err
	}
	l := d.List
	l.Folder, l.Validity = findFolder(d.Folders, m.Name), m.UIDValidity
	l.Act, l.Purge = l.Folder.URL()+"/act", l.Folder.Use == mail.UseTrash || l.Folder.Use == mail.UseJunk
	r, err := c.Search(ctx, d.Query.key(), nil)
	if err != nil {
		return err
	}
	uids := slices.Collect(r.UIDs.All())
	slices.Reverse(uids)
	l.Total = len(uids)
	first := min((l.Page-1)*pageSize, l.Total)
	last := min(first+pageSize, l.Total)
	if l.First = first + 1; first == last {
		return nil
	}
	if l.Rows, err = q.rows(ctx, c, imapclient.UID(uids[first:last]...), l.Folder); err != nil {
		return err
	}
	l.Count = len(l.Rows)
	if last < l.Total {
		l.Older = q.searchPage(l.Page + 1)
	}
	if l.Page > 1 {
		l.Newer = q.searchPage(l.Page - 1)
	}
	return nil
}

func (q *request) searchPage(n int) string {
	v := q.r.URL.Query()
	v.Set("p", strconv.Itoa(n))
	return "/search?" + v.Encode()
}

// searchTime is how long folders are searched one after the other, behind which what was found is shown.
const searchTime = 20 * time.Second

// searchAll searches all folders, at once where the server can (RFC 7377), and shows the newest of each.
func (q *request) searchAll(ctx context.Context, c *imapclient.Client, d *searchData) error {
	found, err := q.searchFolders(ctx, c, d)
	if err != nil {
		return err
	}
	var rows []row
	for _, f := range d.Folders {
		uids := found[f.Name]
		if len(uids) == 0 {
			continue
		}
		d.List.Total += len(uids)
		if len(uids) > pageSize {
			uids, d.More = uids[len(uids)-pageSize:], true
		}
		if _, err := selectFolder(ctx, c, f.Name); err != nil {
			return err
		}
		more, err := q.rows(ctx, c, imapclient.UID(uids...), f)
		if err != nil {
			return err
		}
		for i := range more {
			more[i].Folder = f.Label
		}
		rows = append(rows, more...)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return b.Date.Compare(a.Date) })
	if len(rows) > 2*pageSize {
		rows, d.More = rows[:2*pageSize], true
	}
	d.List.Rows, d.List.First = rows, 1
	return nil
}

// searchFolders returns what was found in each folder.
func (q *request) searchFolders(ctx context.Context, c *imapclient.Client, d *searchData) (map[string][]mail.UID, error) {
	out := map[string][]mail.UID{}
	key := d.Query.key()
	if c.Has(imap.CapMultiSearch) {
		list, err := c.SearchMailboxes(ctx, []imap.MailboxFilter{{Scope: imap.ScopePersonal}}, key, &imap.SearchOptions{Return: true, All: true})
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			out[r.Mailbox] = slices.Collect(r.All.UIDs(0).All())
		}
		return out, nil
	}
	until := q.cfg.Now().Add(searchTime)
	for _, f := range d.Folders {
		if !f.Selectable {
			continue
		}
		if q.cfg.Now().After(until) {
			d.Partial = true
			break
		}
		if _, err := selectFolder(ctx, c, f.Name); err != nil {
			if imapclient.Refused(err) {
				continue // it has gone, or may not be read
			}
			return nil, err
		}
		r, err := c.Search(ctx, key, nil)
		if err != nil {
			return nil, err
		}
		out[f.Name] = slices.Collect(r.UIDs.All())
	}
	return out, nil
}

// SearchURL returns the address that searches for a sender's messages.
func (v *messageView) SearchURL() string {
	if len(v.From) == 0 {
		return ""
	}
	return "/search?from=" + url.QueryEscape(v.From[0].Addr)
}
