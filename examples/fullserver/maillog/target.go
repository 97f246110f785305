package maillog

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// Target is where lines go beside the file, or instead of it: [Syslog] or [Journal].
type Target interface {
	// name is what the log calls it.
	name() string
	// write writes an entry. It may take as long as it likes: nobody but its own queue waits for it.
	write(e *entry) error
	close()
}

// entry is a line in its parts.
type entry struct {
	at      time.Time
	program string // "postfix/smtpd"; "dovecot:" has no process id
	pid     string
	text    []byte // clean, without the end of the line
}

// severity is syslog's, by the word that a line begins with, as Postfix's msg_syslog(3) has it.
func (e *entry) severity() int {
	text := string(e.text[:min(len(e.text), 200)])
	for _, w := range []struct {
		word  string
		level int
	}{{"panic: ", 2}, {"fatal: ", 2}, {"error: ", 3}, {"warning: ", 4}} {
		if strings.HasPrefix(text, w.word) {
			return w.level
		}
		// Dovecot's programs: "imap(user)<id>: Error: …"
		if strings.HasSuffix(e.program, ":") && strings.Contains(text, ": "+strings.ToUpper(w.word[:1])+w.word[1:]) {
			return w.level
		}
	}
	return 6
}

// queueSize is how many lines wait for a target. When there are more, they are dropped there, and counted: a log that doesn't take its lines keeps no
// message waiting.
const queueSize = 4096

// outgoing is a target with its queue.
type outgoing struct {
	to   Target
	log  *Log
	in   chan *entry
	done chan struct{}

	mu   sync.Mutex
	lost int // not yet told of
}

func (l *Log) start(t Target) *outgoing {
	o := &outgoing{to: t, log: l, in: make(chan *entry, queueSize), done: make(chan struct{})}
	go o.run()
	return o
}

// put hands an entry over, without waiting.
func (o *outgoing) put(e *entry) {
	select {
	case o.in <- e:
	default:
		o.drop(1)
	}
}

func (o *outgoing) drop(n int) {
	o.mu.Lock()
	o.lost += n
	o.mu.Unlock()
}

// dropped returns how many lines were lost since it was asked last.
func (o *outgoing) dropped() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.lost
	o.lost = 0
	return n
}

func (o *outgoing) run() {
	defer close(o.done)
	defer o.to.close()
	away := false
	for e := range o.in {
		if err := o.to.write(e); err != nil {
			if o.drop(1); !away && o.log.hasFile {
				o.log.tell([]byte("warning: " + o.to.name() + " can't be written to, its lines are dropped: " + err.Error()))
			}
			away = true
			continue
		}
		away = false
		if n := o.dropped(); n > 0 { // it takes lines again, and is told first
			told := *e
			told.program = o.log.renamed("postfix/postlogd")
			told.text = []byte("warning: " + strconv.Itoa(n) + " lines could not be written to " + o.to.name() + " and are lost")
			if o.to.write(&told) != nil {
				o.drop(n)
			} else if o.log.hasFile {
				o.log.tell(told.text)
			}
		}
	}
}

// end writes what waits, for as long as closing may take.
func (o *outgoing) end() {
	close(o.in)
	select {
	case <-o.done:
	case <-time.After(closeTimeout):
	}
}

const closeTimeout = 2 * time.Second
