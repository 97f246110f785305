// Package maillog writes the mail log in the form that Postfix and Dovecot write theirs, one event a line,
//
//	Nov 22 09:00:00 host postfix/smtpd[3125]: connect from localhost[127.0.0.1]
//
// so that the tools and the eyes that read those go on working. What a peer can choose (names, addresses, replies)
// can't begin a line of its own: control characters are shown as "?".
package maillog

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say how a log is written. The zero value is usable.
type Options struct {
	Name   string           // syslog_name, which stands for the "postfix" that names of programs begin with; "" leaves them as they are
	Host   string           // whose log it is; only what is before the first dot is shown. "": the machine's name
	PID    int              // shown behind each program's name; 0: this process's
	Now    func() time.Time // nil: time.Now
	Stderr io.Writer        // where a log without a file goes; nil: os.Stderr

	Targets  []Target // where lines go as well; the log closes them
	NoFile   bool     // lines go to Targets alone
	Rotation Rotation
}

// Log is a log. It may be used by many goroutines at once. Lines are written in batches by a goroutine of its own, within
// moments and in order; Close writes what remains.
type Log struct {
	path   string
	name   string
	host   string
	pid    string
	now    func() time.Time
	stderr io.Writer

	hasFile  bool
	rotation Rotation
	targets  []*outgoing
	putting  chan string    // old files to put away
	put      sync.WaitGroup // who does

	mu      sync.Mutex
	room    sync.Cond // waits for the buffer to get room
	work    sync.Cond // waits for something to write
	buf     []byte
	spare   []byte
	second  int64 // the time that stamp shows
	stamp   []byte
	lost    int    // lines that a write error took, not yet told of
	torn    bool   // what was written last ends within a line
	printed uint64 // octets that ever came in
	written uint64 // octets of them that have been dealt with
	closing bool
	err     error

	files sync.Mutex // held while the file is used or replaced
	out   io.Writer
	file  *os.File
	size  int64 // octets that the file has
	done  chan struct{}
}

const (
	maxLine   = 8 << 10 // octets of a line's text; the rest is cut off
	maxBuffer = 1 << 20 // octets that wait to be written; who wants to add more waits too
)

// Open opens a log file for appending, mode 0600 if it is new. An empty path means standard error.
func Open(path string, o Options) (*Log, error) {
	l := &Log{path: path, name: o.Name, now: o.Now, stderr: o.Stderr, hasFile: !o.NoFile, rotation: o.Rotation, done: make(chan struct{})}
	l.room.L, l.work.L = &l.mu, &l.mu
	if l.now == nil {
		l.now = time.Now
	}
	if l.stderr == nil {
		l.stderr = os.Stderr
	}
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	if o.PID == 0 {
		o.PID = os.Getpid()
	}
	l.host, l.pid = shortHost(o.Host), strconv.Itoa(o.PID)
	if err := l.Reopen(); err != nil {
		return nil, err
	}
	for _, t := range o.Targets {
		l.targets = append(l.targets, l.start(t))
	}
	go l.writer()
	return l, nil
}

func shortHost(host string) string {
	for i := range len(host) {
		if host[i] == '.' {
			host = host[:i]
			break
		}
	}
	if host == "" {
		return "localhost"
	}
	return string(AppendClean(nil, host))
}

// Reopen opens the file anew, for log rotation: lines from now on go to what then has the file's name. On an error the
// old file stays in use.
func (l *Log) Reopen() error {
	if !l.hasFile {
		return nil
	}
	if l.path == "" {
		l.files.Lock()
		l.out = l.stderr
		l.files.Unlock()
		return nil
	}
	f, err := l.openFile()
	if err != nil {
		return err
	}
	// What the old file can't take is lost and told of: on a full disk the new one must come all the same, because the old one,
	// removed perhaps, gives its room back only when it is closed.
	_ = l.Flush()
	l.mu.Lock()
	l.torn = false
	l.mu.Unlock()
	l.files.Lock()
	defer l.files.Unlock()
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, l.out, l.size = f, f, 0
	if info, err := f.Stat(); err == nil {
		l.size = info.Size()
	}
	return nil
}

func (l *Log) openFile() (*os.File, error) {
	return os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
}

// Print writes a line for a program, "postfix/smtpd", in pieces that are put together without spaces. A name that ends
// in a colon, "dovecot:", is written without the process id, as Dovecot does.
func (l *Log) Print(program string, pieces ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.hasFile && len(l.buf) > maxBuffer && !l.closing {
		l.room.Wait()
	}
	if l.closing {
		return
	}
	if len(l.targets) > 0 {
		e := &entry{at: l.now(), program: l.renamed(program), pid: l.pid, text: appendText(nil, pieces...)}
		for _, t := range l.targets {
			t.put(e)
		}
	}
	if l.hasFile {
		l.add(program, pieces...)
	}
}

// tell writes a line about a target into the file.
func (l *Log) tell(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closing {
		l.add("postfix/postlogd", string(text))
	}
}

// add puts a line into the buffer and wakes the writer.
func (l *Log) add(program string, pieces ...string) {
	before := len(l.buf)
	l.line(program, pieces...)
	l.printed += uint64(len(l.buf) - before)
	l.work.Signal()
}

// renamed is a program's name with syslog_name.
func (l *Log) renamed(program string) string {
	if rest, ok := strings.CutPrefix(program, "postfix/"); ok && l.name != "" {
		return l.name + "/" + rest
	}
	return program
}

// line appends a line to the buffer.
func (l *Log) line(program string, pieces ...string) {
	now := l.now()
	if s := now.Unix(); s != l.second || l.stamp == nil {
		l.second = s
		l.stamp = append(now.AppendFormat(l.stamp[:0], time.Stamp), ' ')
		l.stamp = append(append(l.stamp, l.host...), ' ')
	}
	l.buf = append(l.buf, l.stamp...)
	l.buf = append(l.buf, l.renamed(program)...)
	if strings.HasSuffix(program, ":") {
		l.buf = append(l.buf, ' ')
	} else {
		l.buf = append(l.buf, '[')
		l.buf = append(append(l.buf, l.pid...), "]: "...)
	}
	l.buf = append(appendText(l.buf, pieces...), '\n')
}

// appendText appends what a line says, clean and not too long.
func appendText(b []byte, pieces ...string) []byte {
	start := len(b)
	for _, p := range pieces {
		b = AppendClean(b, p)
		if len(b)-start > maxLine {
			return append(cutRune(b[:start+maxLine]), "..."...)
		}
	}
	return b
}

// writer writes what gathers in the buffer until the log is closed.
func (l *Log) writer() {
	defer close(l.done)
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.buf) == 0 && !l.closing {
			l.work.Wait()
		}
		if len(l.buf) == 0 {
			return
		}
		if l.torn {
			l.buf = slices.Insert(l.buf, 0, '\n')
			l.printed++
		}
		batch := l.buf
		l.buf = l.spare[:0]
		l.mu.Unlock()
		l.files.Lock()
		n, err := l.out.Write(batch)
		l.size += int64(n)
		var rotated error
		if l.file != nil && l.rotation.Size > 0 && l.size >= l.rotation.Size && err == nil {
			if rotated = l.rotate(); rotated != nil {
				l.size = 0 // it is tried again when as much has been written once more
			}
		}
		l.files.Unlock()
		l.mu.Lock()
		l.wrote(batch, n, err)
		if rotated != nil {
			l.add("postfix/postlogd", "warning: maillog_file: ", rotated.Error())
		}
		if l.spare = batch[:0]; cap(batch) > maxBuffer {
			l.spare = nil
		}
		l.written += uint64(len(batch))
		l.room.Broadcast()
	}
}

// wrote remembers lines that were lost, and tells of them once there is room again.
func (l *Log) wrote(batch []byte, n int, err error) {
	if n > 0 {
		l.torn = batch[n-1] != '\n'
	}
	if err != nil {
		l.err = err
		for _, c := range batch[max(n, 1):] { // the first may be the end of a torn line
			if c == '\n' {
				l.lost++
			}
		}
		return
	}
	l.err = nil
	if l.lost > 0 {
		l.add("postfix/postlogd", "warning: ", strconv.Itoa(l.lost), " lines could not be written and are lost")
		l.lost = 0
	}
}

// Flush waits until everything printed so far has been written and returns the error of the last write.
func (l *Log) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for goal := l.printed; l.written < goal; {
		l.room.Wait()
	}
	return l.err
}

// Close writes what remains and closes the file. Lines printed afterwards are dropped.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return nil
	}
	l.closing = true
	l.work.Signal()
	l.room.Broadcast()
	l.mu.Unlock()
	<-l.done
	for _, t := range l.targets {
		t.end()
	}
	l.files.Lock()
	if l.putting != nil {
		close(l.putting)
	}
	l.files.Unlock()
	l.put.Wait()
	l.files.Lock()
	defer l.files.Unlock()
	err := l.err
	if l.file != nil {
		_ = l.file.Sync() // a pipe or a terminal can't be synced
		if cerr := l.file.Close(); err == nil {
			err = cerr
		}
		l.file, l.out = nil, io.Discard
	}
	return err
}
