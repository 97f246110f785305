// Package logdigest counts what a mail log says: messages by the hour, what went wrong lately, and what administrators have done. It reads what has come since it
// was last asked.
package logdigest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Hour is what happened in one.
type Hour struct {
	Start                                           time.Time
	Received, Delivered, Deferred, Bounced, Refused int
}

// Kind is a kind of problem.
type Kind string

// The kinds.
const (
	Disk        Kind = "disk"        // there is no room
	Certificate Kind = "certificate" // one ends
	ACME        Kind = "acme"        // one can't be got
	Table       Kind = "table"       // a table or a database doesn't answer
	Bounced     Kind = "bounced"     // others refuse our mail for good
	Unreachable Kind = "unreachable" // others can't be reached, or say later
	Fatal       Kind = "fatal"       // the server, or a part of it, has stopped
	Other       Kind = "other"       // another warning
)

// Problem is one kind with how often it came in the last day.
type Problem struct {
	Kind    Kind
	Count   int
	Last    time.Time
	Example string // the last line of it
}

// Line is a line of the log.
type Line struct {
	At   time.Time
	Text string
}

// View is what there is to see.
type View struct {
	Hours    []Hour    // of the last day, the oldest first
	Problems []Problem // of the last day, the latest first
	Audit    []Line    // the latest first
}

// Digest reads a log. It may be used by many goroutines.
type Digest struct {
	File string
	Now  func() time.Time // nil: time.Now
	Back int64            // octets that are read of what was there before; 0: 32 MiB

	mu       sync.Mutex
	file     fs.FileInfo
	offset   int64
	stamp    string // the last one that was read
	at       time.Time
	hours    map[int64]*Hour
	problems map[Kind]map[int64]*Problem // by hour
	audit    []Line
}

const (
	keptAudit = 200
	maxLine   = 16 << 10
)

// Read reads what is new and returns all that is known.
func (d *Digest) Read(ctx context.Context) (*View, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.catchUp(ctx); err != nil {
		return nil, err
	}
	return d.view(), nil
}

func (d *Digest) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *Digest) catchUp(ctx context.Context) error {
	if d.hours == nil {
		d.hours, d.problems = map[int64]*Hour{}, map[Kind]map[int64]*Problem{}
	}
	f, err := os.Open(d.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if d.file == nil || !os.SameFile(d.file, info) || info.Size() < d.offset { // a new one
		back := d.Back
		if back <= 0 {
			back = 32 << 20
		}
		d.file, d.offset = info, max(0, info.Size()-back)
	}
	if _, err := f.Seek(d.offset, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(f, 256<<10)
	for n := 0; ; n++ {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return nil // half a line is read once it is whole
		}
		if err != nil {
			return err
		}
		d.offset += int64(len(line))
		if len(line) <= maxLine {
			d.line(strings.TrimRight(line, "\r\n"))
		}
		if n%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// time reads a stamp as syslog has it, which has no year.
func (d *Digest) time(stamp string) time.Time {
	if stamp == d.stamp {
		return d.at
	}
	now := d.now()
	t, err := time.ParseInLocation("Jan _2 15:04:05", stamp, now.Location())
	if err != nil {
		return time.Time{}
	}
	t = t.AddDate(now.Year(), 0, 0)
	if t.After(now.Add(24 * time.Hour)) {
		t = t.AddDate(-1, 0, 0)
	}
	d.stamp, d.at = stamp, t
	return t
}

var queueID = regexp.MustCompile(`^[0-9A-Za-z]{6,20}: `)

// line counts one line.
func (d *Digest) line(text string) {
	if len(text) < 17 || text[15] != ' ' {
		return
	}
	at := d.time(text[:15])
	if at.IsZero() || d.now().Sub(at) > 25*time.Hour && !strings.Contains(text, "fullserver/admin") {
		return
	}
	_, rest, _ := strings.Cut(text[16:], " ") // the host
	program, said, ok := strings.Cut(rest, ": ")
	if i := strings.IndexByte(program, '['); i >= 0 {
		program = program[:i]
	}
	if !ok || strings.ContainsAny(program, " <>") {
		return
	}
	if program == "fullserver/admin" {
		d.audit = append(d.audit, Line{at, said})
		if len(d.audit) > 2*keptAudit {
			d.audit = slices.Clone(d.audit[len(d.audit)-keptAudit:])
		}
		return
	}
	h := d.hour(at)
	body := said
	if id := queueID.FindString(said); id != "" {
		body = said[len(id):]
	}
	switch {
	case strings.HasPrefix(body, "client=") && len(body) != len(said):
		h.Received++
	case strings.HasPrefix(said, "NOQUEUE: ") && strings.Contains(said, "reject: "):
		h.Refused++
	case strings.HasPrefix(body, "to=<"):
		d.delivery(h, at, body)
	default:
		d.warning(at, program, said)
	}
}

func (d *Digest) delivery(h *Hour, at time.Time, body string) {
	_, status, _ := strings.Cut(body, ", status=")
	switch {
	case strings.HasPrefix(status, "sent"):
		h.Delivered++
	case strings.HasPrefix(status, "deferred"):
		h.Deferred++
		d.problem(Unreachable, at, body)
	case strings.HasPrefix(status, "bounced"), strings.HasPrefix(status, "expired"):
		h.Bounced++
		d.problem(Bounced, at, body)
	}
}

// warning finds out what a warning is about.
func (d *Digest) warning(at time.Time, program, said string) {
	bad := strings.HasPrefix(said, "warning: ") || strings.Contains(said, "Error: ")
	switch {
	case strings.HasPrefix(said, "fatal: ") || strings.HasPrefix(said, "panic: "):
		d.problem(Fatal, at, said)
	case !bad || strings.Contains(said, "authentication failed"): // the log-ins' page has those
	case strings.Contains(said, "no space left") || strings.Contains(said, "No space left") || strings.Contains(said, "not enough free space"):
		d.problem(Disk, at, said)
	case strings.HasPrefix(said, "warning: certificate "):
		d.problem(Certificate, at, said)
	case program == "fullserver/acme":
		d.problem(ACME, at, said)
	case strings.Contains(said, "mail that needs it") || strings.Contains(said, "table") || strings.Contains(said, "_maps"):
		d.problem(Table, at, said)
	default:
		d.problem(Other, at, program+": "+said)
	}
}

func (d *Digest) hour(at time.Time) *Hour {
	key := at.Unix() / 3600
	h := d.hours[key]
	if h == nil {
		h = &Hour{Start: time.Unix(key*3600, 0)}
		d.hours[key] = h
		for k := range d.hours {
			if k < d.now().Unix()/3600-48 {
				delete(d.hours, k)
			}
		}
	}
	return h
}

func (d *Digest) problem(k Kind, at time.Time, text string) {
	if d.problems[k] == nil {
		d.problems[k] = map[int64]*Problem{}
	}
	key := at.Unix() / 3600
	p := d.problems[k][key]
	if p == nil {
		p = &Problem{Kind: k}
		d.problems[k][key] = p
		for old := range d.problems[k] {
			if old < d.now().Unix()/3600-48 {
				delete(d.problems[k], old)
			}
		}
	}
	p.Count++
	p.Last, p.Example = at, text
}

func (d *Digest) view() *View {
	v := &View{}
	now := d.now().Unix() / 3600
	for key := now - 23; key <= now; key++ {
		h := Hour{Start: time.Unix(key*3600, 0)}
		if has := d.hours[key]; has != nil {
			h = *has
		}
		v.Hours = append(v.Hours, h)
	}
	for _, byHour := range d.problems {
		var sum Problem
		for key, p := range byHour {
			if key <= now-24 {
				continue
			}
			sum.Kind, sum.Count = p.Kind, sum.Count+p.Count
			if p.Last.After(sum.Last) || sum.Last.IsZero() {
				sum.Last, sum.Example = p.Last, p.Example
			}
		}
		if sum.Count > 0 {
			v.Problems = append(v.Problems, sum)
		}
	}
	slices.SortFunc(v.Problems, func(a, b Problem) int { return b.Last.Compare(a.Last) })
	v.Audit = slices.Clone(d.audit[max(0, len(d.audit)-keptAudit):])
	slices.Reverse(v.Audit)
	return v
}
