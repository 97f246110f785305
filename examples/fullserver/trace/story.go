// Package trace tells what happened to a message, from the log: who brought it, what became of it for each recipient, and what is to come. It reads Postfix's lines and
// Dovecot's, as this server and those two write them.
package trace

import (
	"bufio"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Story is what the log has of one message.
type Story struct {
	ID        string // queue id; "" for a refusal before there was one
	MessageID string
	From      string
	HasFrom   bool
	Size      string
	Steps     []Step
	Done      bool   // it has left the queue
	Report    string // the queue id of the report about it
	About     string // the queue id of the message that it is a report about
}

// Step is a thing that happened, in the order of the log.
type Step struct {
	When string // as the log has it
	What Kind
	Who  string // the recipient; the client
	Via  string // relay; the account that logged in
	Text string // the other server's words, or ours
	Took string // seconds since the message arrived
	Was  string // the address before aliases
}

// Kind is what happened.
type Kind string

// The kinds.
const (
	Came     Kind = "came"     // Who brought it, Via logged in
	Queued   Kind = "queued"   // Text: for how many
	Sent     Kind = "sent"     // to Who, by Via
	Filed    Kind = "filed"    // into Who's mailbox
	Waits    Kind = "deferred" // for Who: Text
	Failed   Kind = "bounced"  // for Who: Text
	Expired  Kind = "expired"  // it waited too long
	Reported Kind = "reported" // its sender is told, by the message Text; Via: which kind
	Refused  Kind = "refused"  // Who brought it; Text
	Held     Kind = "held"
	Left     Kind = "left"
)

var (
	toForm     = regexp.MustCompile(`^to=<([^>]*)>, (?:orig_to=<([^>]*)>, )?relay=([^,]*),(?: conn_use=\d+,)? delay=([\d.]+), delays=\S+, dsn=[\d.]+, status=(\w+)(?: \((.*)\))?$`)
	fromForm   = regexp.MustCompile(`^from=<([^>]*)>, (?:size=(\d+), nrcpt=(\d+) \(queue active\)|status=(expired).*)$`)
	clientForm = regexp.MustCompile(`^client=([^,]*)(?:, sasl_method=[^,]*)?(?:, sasl_username=([^,]*))?`)
	reportForm = regexp.MustCompile(`^(sender|postmaster) ([a-z -]+) notification: (\w+)$`)
	refuseForm = regexp.MustCompile(`^(?:NOQUEUE: )?(?:milter-)?reject: \w+(?:-\w+)* from (\S+): (.*?);? ?(?: from=<([^>]*)>)?(?: to=<([^>]*)>)?(?: proto=.*)?$`)
	lmtpForm   = regexp.MustCompile(`^lmtp\(([^)]*)\)(?:<[^>]*>)*<([^>]*)>: (?:msgid=(\S+?)(?:, size=\d+)?: )?(saved mail to .*|failed to store into mailbox .*)$`)
)

// most is how many messages that have not left the queue are remembered while a log is read; of more the oldest are forgotten.
const most = 100_000

// reader puts stories together.
type reader struct {
	open  map[string]*Story
	order []string // of open, oldest first
	about map[string]string
	tell  func(*Story) bool
	more  bool
}

// Read reads a log to its end and gives each story, once it is over; what is still open comes at the end. tell returns false to stop.
func Read(log io.Reader, tell func(*Story) bool) error {
	r := &reader{open: map[string]*Story{}, about: map[string]string{}, tell: tell, more: true}
	sc := bufio.NewScanner(log)
	sc.Buffer(make([]byte, 64<<10), 1<<20)
	for r.more && sc.Scan() {
		r.line(sc.Text())
	}
	for _, id := range r.order {
		if s := r.open[id]; s != nil && r.more {
			r.more = tell(s)
		}
	}
	return sc.Err()
}

// cutLine takes a line apart: its time as syslog or as RFC 3339 has it, the program without its process, and what it says.
func cutLine(text string) (when, program, rest string, ok bool) {
	switch {
	case len(text) > 16 && text[3] == ' ' && text[15] == ' ' && text[9] == ':':
		when, text = text[:15], text[16:]
	case len(text) > 20 && text[4] == '-' && text[10] == 'T':
		when, text, _ = strings.Cut(text, " ")
	default:
		return "", "", "", false
	}
	_, text, _ = strings.Cut(text, " ") // the host
	program, rest, ok = strings.Cut(text, ": ")
	if i := strings.IndexByte(program, '['); i >= 0 {
		program = program[:i]
	}
	return when, program, rest, ok && !strings.Contains(program, " ")
}

func (r *reader) line(text string) {
	when, program, rest, ok := cutLine(text)
	if !ok {
		return
	}
	if program == "dovecot" {
		r.lmtp(when, rest)
		return
	}
	if strings.Contains(rest, "reject: ") {
		f := refuseForm.FindStringSubmatch(rest)
		if f == nil {
			return
		}
		r.more = r.more && r.tell(&Story{From: f[3], HasFrom: strings.Contains(rest, " from=<"), Done: true, Steps: []Step{{When: when, What: Refused, Who: f[1], Text: f[2], Was: f[4]}}})
		return
	}
	id, rest, ok := strings.Cut(rest, ": ")
	if !ok || len(id) < 6 || len(id) > 20 || strings.ContainsFunc(id, func(c rune) bool { return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') }) {
		return
	}
	switch {
	case strings.HasPrefix(rest, "client="):
		f := clientForm.FindStringSubmatch(rest)
		if f == nil {
			return
		}
		r.add(id, Step{When: when, What: Came, Who: f[1], Via: f[2]})
	case strings.HasPrefix(rest, "message-id="):
		r.story(id).MessageID = strings.TrimPrefix(rest, "message-id=")
	case strings.HasPrefix(rest, "hold: "):
		r.add(id, Step{When: when, What: Held, Text: strings.TrimPrefix(rest, "hold: ")})
	case rest == "removed":
		r.add(id, Step{When: when, What: Left})
		s := r.story(id)
		s.Done = true
		delete(r.open, id)
		r.more = r.more && r.tell(s)
	default:
		r.step(id, when, rest)
	}
}

// step is a line of the queue's about a message.
func (r *reader) step(id, when, rest string) {
	if !strings.HasPrefix(rest, "from=<") && !strings.HasPrefix(rest, "to=<") && !strings.Contains(rest, " notification: ") {
		return
	}
	if f := fromForm.FindStringSubmatch(rest); f != nil {
		s := r.story(id)
		s.From, s.HasFrom = f[1], true
		switch {
		case f[4] != "":
			r.add(id, Step{When: when, What: Expired})
		case s.Size == "": // each further attempt says the same
			s.Size = f[2]
			r.add(id, Step{When: when, What: Queued, Text: f[3]})
		}
		return
	}
	if f := reportForm.FindStringSubmatch(rest); f != nil {
		r.story(id).Report, r.about[f[3]] = f[3], id
		r.add(id, Step{When: when, What: Reported, Via: f[2], Who: f[1], Text: f[3]})
		return
	}
	if f := toForm.FindStringSubmatch(rest); f != nil {
		what := map[string]Kind{"sent": Sent, "deferred": Waits, "bounced": Failed, "expired": Expired}[f[5]]
		if f[5] == "sent" && (f[3] == "virtual" || f[3] == "local") {
			what = Filed
		}
		if what != "" {
			r.add(id, Step{When: when, What: what, Who: f[1], Was: f[2], Via: f[3], Took: f[4], Text: f[6]})
		}
	}
}

// lmtp is a delivery by Dovecot's LMTP server, or ours, which has no queue.
func (r *reader) lmtp(when, rest string) {
	if !strings.HasPrefix(rest, "lmtp(") {
		return
	}
	f := lmtpForm.FindStringSubmatch(rest)
	if f == nil {
		return
	}
	s := Step{When: when, What: Filed, Who: f[1], Via: "lmtp", Text: f[4]}
	if strings.HasPrefix(f[4], "failed") {
		s.What = Failed
	}
	r.more = r.more && r.tell(&Story{ID: f[2], MessageID: f[3], Done: true, Steps: []Step{s}})
}

func (r *reader) story(id string) *Story {
	s := r.open[id]
	if s == nil {
		s = &Story{ID: id, About: r.about[id]}
		delete(r.about, id)
		r.open[id] = s
		if r.order = append(r.order, id); len(r.order) > most {
			delete(r.open, r.order[0])
			r.order = slices.Clone(r.order[1:])
		}
		if len(r.order) > 2*len(r.open)+1000 {
			r.order = slices.DeleteFunc(r.order, func(id string) bool { return r.open[id] == nil })
		}
	}
	return s
}

func (r *reader) add(id string, st Step) {
	s := r.story(id)
	s.Steps = append(s.Steps, st)
}

// Concerns reports whether a story has to do with what somebody asks for: an address, a domain ("@example.org"), a message id, a queue id, a client.
func (s *Story) Concerns(word string) bool {
	word = strings.ToLower(word)
	if strings.EqualFold(s.ID, word) || strings.ToLower(strings.Trim(s.MessageID, "<>")) == strings.Trim(word, "<>") || s.names(s.From, word) {
		return word != ""
	}
	return slices.ContainsFunc(s.Steps, func(st Step) bool {
		return s.names(st.Was, word) || (st.What != Came && st.What != Refused) && s.names(st.Who, word) || s.names(st.Via, word) ||
			(st.What == Came || st.What == Refused) && strings.Contains(st.Who, "["+word+"]")
	})
}

func (s *Story) names(address, word string) bool {
	address = strings.ToLower(address)
	return address != "" && (address == word || strings.HasPrefix(word, "@") && strings.HasSuffix(address, word))
}

// waiting are the recipients for whom it is not over, with why.
func (s *Story) waiting() (out []Step) {
	if s.Done {
		return nil
	}
	last := map[string]Step{}
	for _, st := range s.Steps {
		if st.What == Sent || st.What == Filed || st.What == Failed || st.What == Waits {
			last[st.Who] = st
		}
	}
	for _, st := range last {
		if st.What == Waits {
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b Step) int { return strings.Compare(a.Who, b.Who) })
	return out
}

// recipients is how many a message was queued for, 0 where the log doesn't say.
func (st Step) recipients() int {
	n, _ := strconv.Atoi(st.Text)
	return n
}
