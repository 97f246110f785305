package webmail

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/contacts"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
)

// Directory knows the people of a user's organisation.
type Directory interface {
	// Colleagues returns whom a user may see in the organisation's address book, the user among them. It is called often: it keeps what is slow to find.
	Colleagues(ctx context.Context, user string) ([]Colleague, error)
}

// Colleague is somebody in an organisation's address book.
type Colleague struct{ Name, Email string }

// sentRead is how many of the last sent messages tell whom a user writes to.
const sentRead = 500

// written is whom a user writes to, as the folder of sent messages has it: nothing else keeps it.
type written struct {
	people []correspondent
	until  time.Time
}

// correspondent is somebody who was written to.
type correspondent struct {
	Name, Email string
	times       int
}

// writtenTo returns whom the user writes to, the last first.
func (q *request) writtenTo() ([]correspondent, error) {
	q.acc.mu.Lock()
	w := q.acc.wrote
	q.acc.mu.Unlock()
	if w != nil && q.cfg.Now().Before(w.until) {
		return w.people, nil
	}
	w = &written{until: q.cfg.Now().Add(15 * time.Minute)}
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		list, err := q.listFolders(ctx, c)
		if err != nil {
			return err
		}
		sent, ok := byUse(list, mail.UseSent)
		if !ok {
			return nil
		}
		box, err := selectFolder(ctx, c, sent.Name)
		if err != nil || box.Messages == 0 {
			return err
		}
		var seqs imap.SeqSet
		seqs.AddRange(uint32(max(1, int64(box.Messages)-sentRead+1)), box.Messages)
		w.people, err = correspondents(c.Fetch(ctx, imapclient.Seqs(seqs), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchEnvelope)}))
		return err
	})
	if err != nil {
		return nil, err
	}
	q.acc.mu.Lock()
	q.acc.wrote = w
	q.acc.mu.Unlock()
	return w.people, nil
}

// correspondents reads envelopes of sent messages, the oldest first.
func correspondents(messages func(yield func(*imapclient.Message, error) bool)) ([]correspondent, error) {
	var out []correspondent
	at := map[string]int{} // in out
	for m, err := range messages {
		if err != nil {
			return nil, err
		}
		if m.Envelope == nil {
			continue
		}
		for _, list := range [][]mime.Address{m.Envelope.To, m.Envelope.Cc, m.Envelope.Bcc} {
			for a := range mime.Mailboxes(list) {
				out = addCorrespondent(out, at, a)
			}
		}
	}
	slices.Reverse(out)
	return slices.DeleteFunc(out, func(c correspondent) bool { return c.times == 0 }), nil
}

// addCorrespondent puts somebody at the end, with what was there of him before.
func addCorrespondent(list []correspondent, at map[string]int, a mime.Address) []correspondent {
	c := correspondent{clean(decodeText(a.Name), 200), clean(a.Addr(), 320), 1}
	if !strings.Contains(c.Email, "@") {
		return list
	}
	key := strings.ToLower(c.Email)
	if i, ok := at[key]; ok {
		c.times += list[i].times
		c.Name = cmp.Or(c.Name, list[i].Name)
		list[i].times = 0
	}
	at[key] = len(list)
	return append(list, c)
}

// wroteTo remembers whom a message has just gone to.
func (q *request) wroteTo(to []mime.Address) {
	q.acc.mu.Lock()
	defer q.acc.mu.Unlock()
	if q.acc.wrote == nil {
		return
	}
	list := slices.Clone(q.acc.wrote.people)
	slices.Reverse(list)
	at := map[string]int{}
	for i, c := range list {
		at[strings.ToLower(c.Email)] = i
	}
	for _, a := range to {
		list = addCorrespondent(list, at, a)
	}
	slices.Reverse(list)
	q.acc.wrote = &written{slices.DeleteFunc(list, func(c correspondent) bool { return c.times == 0 }), q.acc.wrote.until}
}

// colleagues returns the organisation's address book; nothing where there is none, or while it can't be had.
func (q *request) colleagues() []Colleague {
	if q.cfg.Directory == nil {
		return nil
	}
	list, err := q.cfg.Directory.Colleagues(q.ctx, q.sess.User)
	if err != nil {
		q.cfg.Log.Warn("webmail: directory", "user", q.sess.User, "err", err)
	}
	return list
}

// suggestion is somebody, or a group, whom a message could go to.
type suggestion struct {
	Label string // as it is shown
	Value string // as it stands in the form
	key   string
	rank  int
}

const maxSuggestions = 8

// suggestions returns whom the words could mean: people written to often and lately, contacts, groups of contacts, colleagues.
func (q *request) suggestions(query string) ([]suggestion, error) {
	words := contacts.NewWords(query)
	if len(words) == 0 {
		return nil, nil
	}
	people, err := q.contacts()
	if err != nil {
		return nil, err
	}
	wrote, err := q.writtenTo()
	if err != nil {
		return nil, err
	}
	var list []suggestion
	at := map[string]int{}
	add := func(name, email string, rank int) {
		key := strings.ToLower(email)
		if i, ok := at[key]; ok {
			list[i].rank += rank
			return
		}
		at[key] = len(list)
		list = append(list, suggestion{Label: person{name, email}.String(), Value: formAddresses([]mime.Address{mailbox(name, email)}), key: key, rank: rank})
	}
	groups := map[string][]mime.Address{}
	for _, c := range people { // their names are the user's own choice
		for _, e := range c.Emails {
			if words.In(c.Name, c.Org, e) {
				add(c.Name, e, 20)
			}
		}
		for _, g := range c.Groups {
			if len(c.Emails) > 0 && words.In(g) && len(groups[g]) < maxRecipients {
				groups[g] = append(groups[g], mailbox(c.Name, c.Email()))
			}
		}
	}
	for i, c := range wrote {
		if words.In(c.Name, c.Email) {
			add(c.Name, c.Email, 10+10*min(c.times, 20)+max(0, 30-i))
		}
	}
	for _, c := range q.colleagues() {
		if words.In(c.Name, c.Email) {
			add(clean(c.Name, 200), clean(c.Email, 320), 10)
		}
	}
	for g, members := range groups {
		list = append(list, suggestion{Label: q.N("contacts.group", len(members), g), Value: formAddresses(members), key: g, rank: 40})
	}
	slices.SortFunc(list, func(a, b suggestion) int { return cmp.Or(b.rank-a.rank, cmp.Compare(a.key, b.key)) })
	return list[:min(len(list), maxSuggestions)], nil
}

// mailbox makes an address.
func mailbox(name, email string) mime.Address {
	a, err := mime.ParseAddress(email)
	if err != nil {
		return mime.Address{}
	}
	a.Name = name
	return a
}

// suggest tells a script whom what is being typed could mean.
func (q *request) suggest() error {
	query := q.r.URL.Query().Get("q")
	if len(query) > 200 {
		return badRequest
	}
	list, err := q.suggestions(query)
	if err != nil {
		return err
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "application/json")
	return q.write(http.StatusOK, b)
}
