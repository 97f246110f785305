package webadmin

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/queue"
)

// Bounds of what a page of the queue shows and looks at.
const (
	shownQueued  = 200
	lookedQueued = 20_000
)

type queuedRow struct {
	ID, From     string
	To           []string
	More         int // recipients beyond those
	State        queue.State
	Size         int64
	Arrived, Due time.Time
	Why          string // the last reply
}

type queueData struct {
	State, Query string
	States       []string
	Rows         []queuedRow
	Total        int  // that pass
	Cut          bool // there are more that were not looked at
}

func (q *request) queuePage() error {
	d := queueData{State: q.arg("state"), Query: strings.ToLower(strings.TrimSpace(q.arg("q"))), States: []string{"deferred", "active", "incoming", "hold", "corrupt"}}
	f := queue.Filter{}
	if slices.Contains(d.States, d.State) {
		f.States = []queue.State{queue.State(d.State)}
	}
	looked := 0
	for e, err := range q.cfg.Queue.List(q.ctx, q.who.QueueFilter(q.ctx, f)) {
		if err != nil {
			return err
		}
		if looked++; looked > lookedQueued {
			d.Cut = true
			break
		}
		r := rowOf(&e)
		if d.Query != "" && !strings.Contains(strings.ToLower(r.ID+" "+r.From+" "+strings.Join(r.To, " ")+" "+r.Why), d.Query) {
			continue
		}
		if d.Total++; len(d.Rows) < shownQueued {
			d.Rows = append(d.Rows, r)
		}
	}
	slices.SortFunc(d.Rows, func(a, b queuedRow) int { return b.Arrived.Compare(a.Arrived) })
	return q.render(http.StatusOK, "queue", q.page("queue.title"), d)
}

func rowOf(e *queue.Entry) queuedRow {
	r := queuedRow{ID: e.ID, State: e.State, Due: e.Due}
	if e.Message == nil {
		return r
	}
	r.From, r.Size, r.Arrived = clean(e.From), e.Size, e.Arrived
	for i := range e.Recipients {
		to := &e.Recipients[i]
		if to.State != queue.Pending {
			continue
		}
		if r.Why == "" {
			r.Why = replyOf(&to.Last)
		}
		if len(r.To) < 3 {
			r.To = append(r.To, clean(to.Address))
		} else {
			r.More++
		}
	}
	return r
}

// replyOf is what an attempt has come to, in the other server's words.
func replyOf(a *queue.Attempt) string {
	switch {
	case a.Detail != "":
		return clean(a.Detail)
	case a.Reply != nil:
		return clean(a.Reply.String())
	}
	return ""
}

type queuedRecipient struct {
	Address, Original, State, Why, Relay string
	At                                   time.Time
}

type queuedData struct {
	queuedRow
	Recipients []queuedRecipient
	Envelope   mail.MailOptions
	Header     string
}

// maxHeader is how much of a message's header is shown.
const maxHeader = 64 << 10

// queuedPage shows a message's envelope and header. Its body is nobody's business here.
func (q *request) queuedPage() error {
	id := q.r.PathValue("id")
	m, content, err := q.who.OpenQueued(q.ctx, q.cfg.Queue, id)
	if err != nil {
		return err
	}
	defer content.Close()
	d := queuedData{Envelope: m.Options}
	for e, err := range q.cfg.Queue.List(q.ctx, queue.Filter{IDs: []string{id}}) {
		if err == nil {
			d.queuedRow = rowOf(&e)
		}
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		d.Recipients = append(d.Recipients, queuedRecipient{Address: clean(r.Address), Original: clean(r.Options.OriginalRecipient), State: q.T("recipient." + string(rune(r.State))), Why: replyOf(&r.Last), Relay: clean(r.Last.Relay), At: r.Last.Time})
		if len(d.Recipients) == 500 {
			break
		}
	}
	if d.Header, err = headerOf(content); err != nil {
		return err
	}
	q.who.Note("queue look at " + id)
	return q.render(http.StatusOK, "queued", q.page("queued.title"), d)
}

func headerOf(r io.Reader) (string, error) {
	in := bufio.NewReaderSize(io.LimitReader(r, maxHeader), 4096)
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if strings.Trim(line, "\r\n") == "" && err == nil {
			return b.String(), nil
		}
		if line != "" {
			b.WriteString(clean(strings.TrimRight(line, "\r\n")) + "\n")
		}
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// changeQueue does something with the messages that were ticked. What can't be taken back is shown before, with how many they are.
func (q *request) changeQueue() error {
	ids := q.r.PostForm["id"]
	do := admin.QueueAction(q.form("do"))
	if len(ids) == 0 {
		return &failure{status: http.StatusUnprocessableEntity, key: "queue.none"}
	}
	if len(ids) > shownQueued {
		return badRequest
	}
	if do.Dangerous() {
		c := confirmation{Title: q.T("queue." + string(do)), Text: q.N("queue."+string(do)+".sure", len(ids)), Action: "/admin/queue", Button: q.T("queue." + string(do)), Back: "/admin/queue",
			Fields: [][2]string{{"do", string(do)}}}
		for _, id := range ids {
			c.Fields = append(c.Fields, [2]string{"id", id})
			c.Items = append(c.Items, q.describe(id))
		}
		if ok, err := q.sure(c); !ok || err != nil {
			return err
		}
	}
	if _, err := q.who.DoQueued(q.ctx, q.cfg.Queue, do, ids); err != nil {
		return err
	}
	return q.done("/admin/queue", string(do))
}

// describe says which message an ID stands for, where it is his.
func (q *request) describe(id string) string {
	for e, err := range q.cfg.Queue.List(q.ctx, q.who.QueueFilter(q.ctx, queue.Filter{IDs: []string{id}})) {
		if err == nil {
			r := rowOf(&e)
			return id + ": " + r.From + " → " + strings.Join(r.To, ", ")
		}
	}
	return clean(id)
}
