package webmail_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/collect"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap/imaptest"
)

// elsewhere are the accounts of a user, and what was asked for last.
type elsewhere struct {
	views    []collect.View
	problem  *collect.Problem // the answer
	password string
	asked    string
}

func (e *elsewhere) answer() error {
	if e.problem != nil {
		return e.problem
	}
	return nil
}

func (e *elsewhere) Accounts(_ context.Context, user string) ([]collect.View, error) {
	if user != imaptest.Username {
		return nil, nil
	}
	return e.views, nil
}

func (e *elsewhere) Save(_ context.Context, _ string, a collect.Account, password string) error {
	if e.problem == nil {
		i := slices.IndexFunc(e.views, func(v collect.View) bool { return v.ID == a.ID })
		if a.ID == "" {
			a.ID = "n" + a.User
			i, e.views = len(e.views), append(e.views, collect.View{})
		}
		e.views[i].Account, e.password = a, password
	}
	return e.answer()
}

func (e *elsewhere) Remove(_ context.Context, _, id string) error {
	e.views = slices.DeleteFunc(e.views, func(v collect.View) bool { return v.ID == id })
	return nil
}

func (e *elsewhere) Fetch(_ context.Context, _, id string) error {
	e.asked = id
	return e.answer()
}

func (*elsewhere) Ports() []uint16 { return []uint16{995, 110} }

// fullElsewhere has an account of each kind that the page shows in another way.
func fullElsewhere() *elsewhere {
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	account := func(id string) collect.Account {
		return collect.Account{ID: id, Host: "pop.example.com", Port: 995, TLS: collect.TLSImplicit, User: "alice." + id + "@example.com", Folder: "INBOX", Days: 7}
	}
	e := &elsewhere{views: []collect.View{
		{Account: account("good"), Status: collect.Status{Ended: at, Fetched: 3, Total: 128, TooLarge: 1}, Next: at.Add(15 * time.Minute)},
		{Account: account("refused"), Status: collect.Status{Ended: at, Problem: &collect.Problem{Code: collect.Password, Said: "Invalid login"}, Refusals: 3, Stopped: true}},
		{Account: account("running"), Running: true},
		{Account: account("paused")},
	}}
	e.views[3].Account.Paused = true
	return e
}

// An account elsewhere is added, changed, fetched from and taken out; what goes wrong is said on the page that it was tried on, and no password is on any.
func TestFetching(t *testing.T) {
	e := &elsewhere{}
	f := newFixture(t, func(c *webmail.Config) { c.Fetching = e }).login()
	f.get("/settings")
	require.Contains(t, f.page, `href="/fetch"`)
	f.get("/fetch")
	require.Contains(t, f.page, "There is no such account yet")
	f.get("/fetch/new")
	require.Contains(t, f.page, `<option value="-1" selected>stay</option>`)
	fill := []string{"host", "pop.example.com", "user", "alice@example.com", "password", "hunter2", "do", "save"}
	for _, code := range collect.Codes() {
		e.problem = &collect.Problem{Code: code, Said: "<b>no</b>"}
		f.submit("/fetch/new", fill...)
		require.NotContains(t, f.page, "fetch.problem")
		require.Contains(t, f.page, "&lt;b&gt;no&lt;/b&gt;")
		require.NotContains(t, f.page, "hunter2")
		if code == collect.Gone {
			require.Equal(t, http.StatusConflict, f.code)
			f.get("/fetch/new")
			continue
		}
		require.Equal(t, http.StatusUnprocessableEntity, f.code, code)
		require.Contains(t, f.page, `value="pop.example.com"`, "what was filled in stays")
	}
	e.problem = nil
	f.submit("/fetch/new", append(fill, "days", "7", "tls", "starttls", "port", "110")...)
	require.Equal(t, "/fetch?saved=1", f.url)
	require.Equal(t, collect.Account{ID: "nalice@example.com", Host: "pop.example.com", Port: 110, TLS: collect.TLSStart, User: "alice@example.com", Folder: "INBOX", Days: 7}, e.views[0].Account)
	require.Equal(t, "hunter2", e.password)
	require.Contains(t, f.page, "alice@example.com at pop.example.com")
	require.Contains(t, f.page, "are removed after 7 days")

	id := "/fetch/nalice@example.com"
	f.get(id)
	require.NotContains(t, f.page, "hunter2")
	f.submit(id, "paused", "on", "do", "save")
	require.True(t, e.views[0].Account.Paused)
	require.Empty(t, e.password, "as it is")
	require.Contains(t, f.page, "Paused.")
	f.submit(id, "do", "fetch")
	require.Equal(t, "nalice@example.com", e.asked)
	require.Equal(t, "/fetch", f.url)
	e.problem = &collect.Problem{Code: collect.TooOften}
	f.submit(id, "do", "fetch")
	require.Equal(t, http.StatusConflict, f.code)
	require.Contains(t, f.page, "Wait a little")
	f.get(id)
	f.submit(id, "do", "save", "port", "x")
	require.Equal(t, http.StatusBadRequest, f.code)
	f.get(id)
	f.submit(id, "do", "remove")
	require.Empty(t, e.views)
	require.Equal(t, http.StatusNotFound, f.getCode(id))

	e.problem, e.views = nil, fullElsewhere().views
	f.get("/fetch")
	for _, text := range []string{"3 new messages on 02/03/2026 09:30. 128 so far.", "Next time: 02/03/2026 09:45.", "1 message is too large", "The other server says: “Invalid login”. It is not tried again", "Its mail is being fetched",
		"Nothing has been fetched yet.\nPaused."} {
		require.Contains(t, f.page, text)
	}
	f = newFixture(t).login()
	f.get("/settings")
	require.NotContains(t, f.page, `href="/fetch"`)
	require.Equal(t, http.StatusNotFound, f.getCode("/fetch"))
	require.Equal(t, http.StatusNotFound, f.getCode("/fetch/new"))
}

func (f *fixture) getCode(path string) int {
	f.get(path)
	return f.code
}
