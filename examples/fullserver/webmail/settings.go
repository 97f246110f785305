package webmail

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for machines without the zones

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/prefs"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// annotation is where a server with METADATA keeps a user's settings.
const annotation = "/private/vendor/buuta/webmail"

// prefsState is an account's settings as they were read.
type prefsState struct {
	prefs.Prefs
	until time.Time // when they are read again: another program may have changed them
}

// loadPrefs reads the user's settings. Without them the pages work too.
func (q *request) loadPrefs() {
	q.acc.mu.Lock()
	state := q.acc.prefs
	q.acc.mu.Unlock()
	if state == nil || q.cfg.Now().After(state.until) {
		p, err := q.readPrefs()
		if err != nil {
			q.cfg.Log.Warn("webmail: settings", "user", q.sess.User, "err", err)
			p = prefs.Prefs{}
		}
		state = &prefsState{p, q.cfg.Now().Add(5 * time.Minute)}
		if err == nil {
			q.acc.mu.Lock()
			q.acc.prefs = state
			q.acc.mu.Unlock()
		}
	}
	q.prefs = state.Prefs
	if slices.Contains(i18n.Langs(), i18n.Lang(q.prefs.Lang)) {
		q.lang = i18n.Lang(q.prefs.Lang)
	}
}

func (q *request) setZone() {
	for _, name := range []string{q.prefs.Zone, q.lang.Zone()} {
		if z, err := time.LoadLocation(name); err == nil && name != "" {
			q.zone = z
			return
		}
	}
}

func metadata(c *imapclient.Client) bool { return c.Has("METADATA") || c.Has("METADATA-SERVER") }

func (q *request) readPrefs() (p prefs.Prefs, err error) {
	local := true
	err = q.do(func(ctx context.Context, c *imapclient.Client) error {
		if !metadata(c) {
			return nil
		}
		list, err := c.Metadata(ctx, imap.GetMetadata{Entries: []string{annotation}})
		for _, a := range list {
			if a.Name == annotation && a.Value != nil {
				p, local = prefs.Decode(a.Value), false
			}
		}
		return err
	})
	if err == nil && local {
		return q.local.Get(q.sess.User)
	}
	return p, err
}

// writePrefs keeps the user's settings: at the mail server, where all of his webmails find them, else here.
func (q *request) writePrefs(p prefs.Prefs) error {
	p = p.Check()
	local := false
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		if !metadata(c) {
			local = true
			return nil
		}
		err := c.SetMetadata(ctx, "", mail.Annotation{Name: annotation, Value: p.Encode()})
		if imapclient.Refused(err) { // too large for it, or not allowed: then nothing must be there that hides ours
			_ = c.SetMetadata(ctx, "", mail.Annotation{Name: annotation})
			local, err = true, nil
		}
		return err
	})
	if err == nil && local {
		err = q.local.Set(q.sess.User, p)
	}
	if err != nil {
		return err
	}
	q.acc.mu.Lock()
	q.acc.prefs = &prefsState{p, q.cfg.Now().Add(5 * time.Minute)}
	q.acc.mu.Unlock()
	return nil
}

type settingsData struct {
	*page
	Prefs      prefs.Prefs
	Identities []prefs.Identity // with an empty one to fill in
	Zone       string
	Zones      []string
	Saved      bool
	Undo       int // for how many seconds a message can be taken back
	Undos      []int
}

// zones are those that the page offers; a user's own is added.
func zones() []string {
	return []string{"UTC", "Asia/Ho_Chi_Minh", "Asia/Bangkok", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Asia/Kolkata", "Asia/Dubai",
		"Australia/Sydney", "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Prague", "Europe/Warsaw", "Europe/Moscow", "America/New_York",
		"America/Chicago", "America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Africa/Cairo", "Africa/Johannesburg", "Pacific/Auckland"}
}

func (q *request) settingsPage() error {
	p, err := q.pageWithFolders("settings.title")
	if err != nil {
		return err
	}
	d := settingsData{page: p, Prefs: q.prefs, Identities: append(slices.Clone(q.identities()), prefs.Identity{}), Zone: q.zone.String(), Zones: zones(),
		Saved: q.r.URL.Query().Get("saved") != ""}
	if d.Undo = int(q.undoSend() / time.Second); q.limits.UndoSend >= 0 {
		d.Undos = []int{0, 5, 10, 20, 30, 60}
	}
	if !slices.Contains(d.Zones, d.Zone) {
		d.Zones = append(d.Zones, d.Zone)
	}
	return q.render(http.StatusOK, "settings", d)
}

// changeSettings keeps what the form says.
func (q *request) changeSettings() error {
	f := q.r.PostForm
	p := prefs.Prefs{Lang: f.Get("lang"), Zone: f.Get("zone"), NoKeys: f.Get("keys") == "", NoThreads: f.Get("threads") == ""}
	if !slices.Contains(i18n.Langs(), i18n.Lang(p.Lang)) {
		p.Lang = ""
	}
	names, emails, signatures := f["name"], f["email"], f["signature"]
	for i := range min(len(names), len(emails), len(signatures), prefs.MaxIdentities+1) {
		if emails[i] = strings.TrimSpace(emails[i]); emails[i] == "" {
			continue
		}
		id := prefs.Identity{Name: names[i], Email: emails[i], Signature: signatures[i]}
		if _, err := id.Address(); err != nil {
			return &failure{status: http.StatusBadRequest, key: "send.badaddress", args: []any{clean(emails[i], 200)}}
		}
		p.Identities = append(p.Identities, id)
	}
	if n, err := strconv.Atoi(f.Get("undosend")); err == nil {
		p.UndoSend = &n
	}
	for _, t := range f["trusted"] {
		if slices.Contains(q.prefs.Trusted, t) {
			p.Trusted = append(p.Trusted, t)
		}
	}
	if err := q.writePrefs(p); err != nil {
		return err
	}
	return q.redirect("/settings?saved=1")
}

// trust shows a sender's remote images from now on.
func (q *request) trust() error {
	sender := strings.ToLower(q.r.PostFormValue("sender"))
	if sender == "" || len(sender) > 320 || clean(sender, 320) != sender {
		return badRequest
	}
	p := q.prefs
	if !slices.Contains(p.Trusted, sender) {
		p.Trusted = append(slices.Clone(p.Trusted), sender)
	}
	if err := q.writePrefs(p); err != nil {
		return err
	}
	return q.redirect(web.LocalPath(q.r.PostFormValue("next"), "/"))
}

// shortcut is a key, or two one after the other, and what it does.
type shortcut struct{ Keys, Text string }

type keysData struct {
	*page
	Shortcuts []shortcut
}

// keysPage lists the keyboard shortcuts: those of Gmail, and two of mutt's.
func (q *request) keysPage() error {
	p, err := q.pageWithFolders("keys.title")
	if err != nil {
		return err
	}
	d := keysData{page: p}
	for _, s := range []shortcut{{"j k", "keys.step"}, {"Enter", "keys.open"}, {"u", "read.back"}, {"x", "keys.select"}, {"c m", "compose.title"}, {"r", "act.reply"}, {"a", "act.replyall"},
		{"f", "act.forward"}, {"e", "act.archive"}, {"# d", "act.delete"}, {"!", "act.spam"}, {"s", "act.star"}, {"Shift+U", "act.unread"}, {"z", "undo"}, {"/", "search.title"},
		{"g i", "folder.inbox"}, {"g s", "folder.sent"}, {"g d", "folder.drafts"}, {"Ctrl+Enter", "compose.send"}, {"?", "keys.title"}} {
		d.Shortcuts = append(d.Shortcuts, shortcut{s.Keys, q.T(s.Text)})
	}
	return q.render(http.StatusOK, "keys", d)
}
