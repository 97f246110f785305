package webmail

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/contacts"
	"github.com/buuta/mail/mime"
)

// peoplePage is how many people a page of an address book has.
const peoplePage = 100

type contactsData struct {
	*page
	Query, Group string
	Company      bool // the organisation's book is shown
	HasCompany   bool // there is one
	People       []contactView
	Groups       []string
	Total        int
	Older, Newer string

	// Where people are chosen for a message.
	Draft, Folder string
	GroupChoices  []groupChoice

	Problem string
}

// groupChoice is a group that a message can go to.
type groupChoice struct {
	Name, Value string
	Count       int
}

// choice is somebody who can be ticked for the fields of a message.
type choice struct {
	p     *page
	Value string
}

// Fields are the names of the fields.
func (c choice) Fields() []string { return []string{"to", "cc", "bcc"} }

// Label is what a field is called.
func (c choice) Label(field string) string { return c.p.T("field." + field) }

// Choice offers somebody for the fields of a message.
func (d *contactsData) Choice(value string) choice { return choice{d.page, value} }

// DraftURL is the address of the message that people are chosen for.
func (d *contactsData) DraftURL() string {
	return "/compose?draft=" + url.QueryEscape(d.Draft) + "&folder=" + url.QueryEscape(d.Folder)
}

// contactView is somebody as the list shows it.
type contactView struct {
	contacts.Contact
	Own bool // in the user's own book
}

// Value is the contact as it stands in a field of a message; "" without an address.
func (c contactView) Value() string {
	if c.Email() == "" {
		return ""
	}
	return formAddresses([]mime.Address{mailbox(c.Name, c.Email())})
}

// contactsPage shows an address book, or what is found in it, also to choose from for a draft.
func (q *request) contactsPage() error {
	p, err := q.pageWithFolders("contacts.title")
	if err != nil {
		return err
	}
	p.Done = q.doneView(q.r.URL.Query().Get("done"))
	return q.showContacts(http.StatusOK, &contactsData{page: p})
}

func (q *request) showContacts(status int, d *contactsData) error {
	v := q.r.URL.Query()
	d.Query, d.Group, d.Draft, d.Folder = clean(v.Get("q"), 200), v.Get("group"), v.Get("draft"), v.Get("folder")
	d.HasCompany = q.cfg.Directory != nil
	d.Company = d.HasCompany && v.Get("book") == "company"
	list, err := q.contacts()
	if err != nil {
		return err
	}
	for _, c := range list {
		for _, g := range c.Groups {
			if !slices.Contains(d.Groups, g) {
				d.Groups = append(d.Groups, g)
			}
		}
	}
	slices.Sort(d.Groups)
	if d.Draft != "" && d.Query == "" && !d.Company && q.pageNumber() == 1 {
		d.GroupChoices = groupChoices(list, d.Groups)
	}
	if d.Company {
		list = nil
		for _, c := range q.colleagues() {
			list = append(list, contacts.Contact{Name: clean(c.Name, 200), Emails: []string{clean(c.Email, 320)}})
		}
		contacts.Sort(list)
	}
	words := contacts.NewWords(d.Query)
	for _, c := range list {
		if c.Match(words) && (d.Group == "" || d.Company || slices.Contains(c.Groups, d.Group)) {
			d.People = append(d.People, contactView{c, !d.Company})
		}
	}
	d.Total = len(d.People)
	first := min((q.pageNumber()-1)*peoplePage, d.Total)
	last := min(first+peoplePage, d.Total)
	link := func(n int) string {
		v.Set("p", strconv.Itoa(n))
		return "/contacts?" + v.Encode()
	}
	if last < d.Total {
		d.Older = link(q.pageNumber() + 1)
	}
	if first > 0 {
		d.Newer = link(q.pageNumber() - 1)
	}
	d.People = d.People[first:last]
	return q.render(status, "contacts", d)
}

// groupChoices makes of each group the addresses of those in it.
func groupChoices(list []contacts.Contact, groups []string) []groupChoice {
	var out []groupChoice
	for _, g := range groups {
		var members []mime.Address
		for _, c := range list {
			if c.Email() != "" && slices.Contains(c.Groups, g) && len(members) < maxRecipients {
				members = append(members, mailbox(c.Name, c.Email()))
			}
		}
		if len(members) > 0 {
			out = append(out, groupChoice{g, formAddresses(members), len(members)})
		}
	}
	return out
}

type contactData struct {
	*page
	Contact contacts.Contact
	New     bool
	Problem string
	Key     string // what was typed as a key and not taken
}

// Emails, Phones and Groups are a contact's lists, one a line.
func (d contactData) Emails() string { return strings.Join(d.Contact.Emails, "\n") }

// Phones are one a line.
func (d contactData) Phones() string { return strings.Join(d.Contact.Phones, "\n") }

// Groups are one a line.
func (d contactData) Groups() string { return strings.Join(d.Contact.Groups, "\n") }

// contactPage shows a contact, or an empty form.
func (q *request) contactPage() error {
	p, err := q.pageWithFolders("contacts.title")
	if err != nil {
		return err
	}
	d := contactData{page: p, New: true}
	if uid := q.r.PathValue("contact"); uid != "new" {
		list, err := q.contacts()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(c contacts.Contact) bool { return c.UID == uid })
		if i < 0 {
			return notFound
		}
		d.Contact, d.New, p.Title = list[i], false, list[i].Title()
	}
	return q.render(http.StatusOK, "contact", d)
}

// saveContact keeps what the form says, or deletes the contact.
func (q *request) saveContact() error {
	f, uid := q.r.PostFormValue, q.r.PathValue("contact")
	key := "done.contact"
	var bad, badKey string
	var typed contacts.Contact
	err := q.changeBook(func(list []contacts.Contact) ([]contacts.Contact, error) {
		i := slices.IndexFunc(list, func(c contacts.Contact) bool { return c.UID == uid })
		if i < 0 && uid != "new" {
			return nil, notFound
		}
		if f("do") == "delete" && i >= 0 {
			key = "done.contactdeleted"
			return slices.Delete(list, i, i+1), nil
		}
		var c contacts.Contact
		if i >= 0 {
			c = list[i]
			c.Rest = slices.Clone(c.Rest)
		}
		c.SetName(f("name"))
		c.Emails, c.Phones, c.Groups = splitLines(f("emails")), splitLines(f("phones")), splitLines(f("groups"))
		c.Org, c.Note = f("org"), f("note")
		badKey = q.changeKeys(&c)
		typed = c
		checked := c.Check()
		for _, e := range c.Emails {
			if bad == "" && !slices.ContainsFunc(checked.Emails, func(x string) bool { return strings.EqualFold(x, e) }) {
				bad = e
			}
		}
		if bad != "" || badKey != "" || checked.Empty() {
			return nil, badRequest
		}
		if i < 0 {
			return append(list, checked), nil
		}
		list[i] = checked
		return list, nil
	})
	if errors.Is(err, badRequest) || errors.Is(err, bookFull) {
		p, e := q.pageWithFolders("contacts.title")
		if e != nil {
			return e
		}
		d := contactData{page: p, Contact: typed, New: uid == "new", Problem: q.T("contacts.empty")}
		d.Contact.UID = uid
		switch {
		case errors.Is(err, bookFull):
			d.Problem = q.T("contacts.full")
		case bad != "":
			d.Problem = q.T("send.badaddress", clean(bad, 200))
		case badKey != "":
			d.Problem, d.Key = q.T(badKey), q.r.PostFormValue("key")
		}
		return q.render(http.StatusUnprocessableEntity, "contact", d)
	}
	if err != nil {
		return err
	}
	return q.remember(&done{key: key}, "/contacts")
}

// splitLines reads a field with one thing a line.
func splitLines(s string) []string {
	var out []string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// addContact puts the sender of a message into the address book.
func (q *request) addContact() error {
	c := contacts.Contact{Name: q.r.PostFormValue("name"), Emails: []string{q.r.PostFormValue("email")}}.Check()
	if len(c.Emails) == 0 {
		return badRequest
	}
	key := "done.contact"
	err := q.changeBook(func(list []contacts.Contact) ([]contacts.Contact, error) {
		if slices.ContainsFunc(list, func(o contacts.Contact) bool { return o.Has(c) }) {
			key = "done.contactthere"
			return list, nil
		}
		return append(list, c), nil
	})
	if err != nil {
		return err
	}
	return q.remember(&done{key: key}, web.LocalPath(q.r.PostFormValue("next"), "/contacts"))
}

// maxImport is how many octets a file of contacts may have.
const maxImport = 8 << 20

// importContacts reads a file into the address book. Whoever is there already gets what was missing.
func (q *request) importContacts() error {
	var file []byte
	if q.r.MultipartForm != nil && len(q.r.MultipartForm.File["file"]) > 0 {
		f, err := q.r.MultipartForm.File["file"][0].Open()
		if err != nil {
			return err
		}
		defer f.Close()
		if file, err = io.ReadAll(io.LimitReader(f, maxImport+1)); err != nil {
			return err
		}
	}
	if len(file) > maxImport {
		return tooLarge
	}
	windows := "windows-1252"
	if q.lang == i18n.VI {
		windows = "windows-1258"
	}
	fresh, err := contacts.Parse(file, windows)
	if err != nil || len(fresh) == 0 {
		p, err := q.pageWithFolders("contacts.title")
		if err != nil {
			return err
		}
		return q.showContacts(http.StatusUnprocessableEntity, &contactsData{page: p, Problem: q.T("contacts.format")})
	}
	for i := range fresh {
		q.distrustKeys(&fresh[i])
	}
	added, more := 0, 0
	err = q.changeBook(func(list []contacts.Contact) ([]contacts.Contact, error) {
		list, added, more = merge(list, fresh)
		return list, nil
	})
	if err != nil {
		return err
	}
	return q.remember(&done{key: "done.imported", count: added, args: []any{more, len(fresh) - added - more}}, "/contacts")
}

// merge adds contacts to a list: added of them are new, more have told something of those that were there.
func merge(list, fresh []contacts.Contact) (_ []contacts.Contact, added, more int) {
	byEmail, uids := map[string]int{}, map[string]bool{}
	index := func(i int) {
		uids[list[i].UID] = true
		for _, e := range list[i].Emails {
			byEmail[strings.ToLower(e)] = i
		}
	}
	for i := range list {
		index(i)
	}
	for _, c := range fresh {
		at := -1
		for _, e := range c.Emails {
			if i, ok := byEmail[strings.ToLower(e)]; ok {
				at = i
			}
		}
		if at < 0 && len(c.Emails) == 0 {
			at = slices.IndexFunc(list, func(o contacts.Contact) bool { return o.Has(c) })
		}
		switch {
		case at < 0:
			if uids[c.UID] { // another's, from the same program
				c.UID = contacts.NewUID()
			}
			list = append(list, c)
			at = len(list) - 1
			added++
		case list[at].Add(c):
			more++
		default:
			continue
		}
		index(at)
	}
	return list, added, more
}

// exportContacts sends the address book as a file.
func (q *request) exportContacts() error {
	list, err := q.contacts()
	if err != nil {
		return err
	}
	var b []byte
	name := q.T("contacts.file") + ".vcf"
	if q.r.URL.Query().Get("as") == "csv" {
		name = q.T("contacts.file") + ".csv"
		if b, err = contacts.AppendCSV([]byte("\ufeff"), list); err != nil { // spreadsheets know UTF-8 by the mark
			return err
		}
	} else {
		for _, c := range list {
			b = c.AppendVCard(b)
		}
	}
	q.fileHeaders("", name)
	return q.write(http.StatusOK, b)
}
