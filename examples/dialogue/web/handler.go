package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/buuta/mail/examples/dialogue/explain"
)

//go:embed static page.html
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page.html"))

// policy lets the page use its own files and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dialogue"

// Handler serves the board. Requests must name this machine by an address or as localhost, so that no page from elsewhere can read it by a
// name of its own (DNS rebinding).
func (b *Board) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.page)
	mux.HandleFunc("GET /talk/{id}", b.page)
	mux.HandleFunc("GET /talk/{id}/events", b.events)
	mux.Handle("GET /static/", http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !own(r.Host) {
			http.Error(w, "ask for this page by an address, or as localhost", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func own(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil
}

func (b *Board) language(r *http.Request) explain.Lang {
	switch l := explain.Lang(r.URL.Query().Get("l")); l {
	case explain.English, explain.Vietnamese:
		return l
	}
	return b.lang
}

// view is what the page's template gets.
type view struct {
	Lang    explain.Lang
	Talk    *Talk
	Talks   []*Talk
	Notes   []noteView
	Step    int // the line at hand, from 1 on
	Total   int
	Live    bool // more may come, and all that there is is shown
	Stepped bool
	Now     nowView
}

// T is a sentence of the catalogue.
func (v view) T(key string, args ...string) string { return v.Lang.Say(key, args...) }

// Link is a link to a step, 0 for all.
func (v view) Link(step int) string {
	s := "/talk/" + v.Talk.ID + "?l=" + string(v.Lang)
	if step > 0 {
		s += "&step=" + strconv.Itoa(min(step, v.Total))
	}
	return s
}

// Before and After are the steps beside this one.
func (v view) Before() int { return v.Step - 1 }
func (v view) After() int  { return v.Step + 1 }

// Other is the other language.
func (v view) Other() explain.Lang {
	if v.Lang == explain.English {
		return explain.Vietnamese
	}
	return explain.English
}

// noteView is a line of the transcript.
type noteView struct {
	ID                        int
	Server                    bool
	Who, Text, Kind           string
	Says, Mistakes, Cites     []string
	Words                     []wordView
	StateClient, StateServer  string
	WhoClient, WhoServer, Way string
}

type wordView struct{ Text, Means string }

// nowView is where things stand.
type nowView struct {
	Machine []box
	Arrows  []arrow
	Width   int
	Height  int
	Path    []station
	Client  string
	Server  string
	Where   string
}

func (b *Board) page(w http.ResponseWriter, r *http.Request) {
	t, notes, over, _ := b.find(r.PathValue("id"), 0)
	if t == nil && r.PathValue("id") != "" {
		http.Error(w, "no such exchange", http.StatusNotFound)
		return
	}
	v := view{Lang: b.language(r), Talk: t, Talks: b.list(), Total: len(notes), Step: len(notes)}
	if t != nil {
		if step, err := strconv.Atoi(r.URL.Query().Get("step")); err == nil && step >= 1 {
			v.Step, v.Stepped = min(step, len(notes)), true
		}
		v.Live = !over && !v.Stepped
		v.Notes = show(v.Lang, notes[:v.Step], 0)
		v.Now = now(v.Lang, t.Protocol, notes[:v.Step])
	}
	render(w, "page", v)
}

func render(w http.ResponseWriter, name string, v view) {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, v); err != nil {
		http.Error(w, "the page can't be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(out.Bytes())
}

// events sends what is new of an exchange: HTML as the page's template makes it.
func (b *Board) events(w http.ResponseWriter, r *http.Request) {
	flush, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "no events here", http.StatusInternalServerError)
		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("from"))
	if id, err := strconv.Atoi(r.Header.Get("Last-Event-ID")); err == nil {
		from = id
	}
	from = max(from, 0)
	w.Header().Set("Content-Type", "text/event-stream")
	l := b.language(r)
	for {
		t, notes, over, news := b.find(r.PathValue("id"), from)
		if t == nil {
			return
		}
		if len(notes) > 0 {
			_, all, _, _ := b.find(t.ID, 0)
			v := view{Lang: l, Talk: t, Notes: show(l, notes, from)}
			v.Now = now(l, t.Protocol, all[:from+len(notes)])
			var lines, state bytes.Buffer
			if pages.ExecuteTemplate(&lines, "notes", v) != nil || pages.ExecuteTemplate(&state, "now", v) != nil {
				return
			}
			from += len(notes)
			data, err := json.Marshal(map[string]string{"notes": lines.String(), "now": state.String()})
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", from, data); err != nil {
				return
			}
		}
		if over {
			fmt.Fprint(w, "event: over\ndata: {}\n\n")
		}
		flush.Flush()
		if over {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-news:
		}
	}
}

func show(l explain.Lang, notes []explain.Note, from int) []noteView {
	var out []noteView
	for i, n := range notes {
		v := noteView{ID: from + i + 1, Server: n.Side == explain.Server, Who: l.Say("side." + string(n.Side)), Text: n.Text, Kind: string(n.Kind), Cites: n.Cites,
			StateClient: l.Say(n.After.Client), StateServer: l.Say(n.After.Server), WhoClient: l.Say("side.C"), WhoServer: l.Say("side.S")}
		for _, m := range n.Says {
			v.Says = append(v.Says, l.Text(m))
		}
		for _, m := range n.Mistakes {
			v.Mistakes = append(v.Mistakes, l.Text(m))
		}
		for _, word := range n.Words {
			v.Words = append(v.Words, wordView{word.Text, l.Text(word.Message)})
		}
		if n.Place != "" {
			v.Way = l.Say("place.says." + string(n.Place))
		}
		out = append(out, v)
	}
	return out
}
