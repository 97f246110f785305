package takeover

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// sendmail has no flag for when a message arrived, so that its lifetime in Postfix's queue would begin anew. What it leaves in maildrop begins with a record of the time, which pickup
// takes over as it is: the seconds in it are written over, digit by digit, before Postfix is started. A file that isn't quite as expected stays as it is.

// dropped are the names of the files in maildrop.
func (q *oldQueue) dropped() (names []string) {
	entries, _ := os.ReadDir(filepath.Join(q.spool, maildrop))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// backdate gives what sendmail has just left in maildrop, beside what was there before, the time of its arrival. It returns what is there now.
func (q *oldQueue) backdate(before []string, arrived time.Time, sender string, to []string) (now []string) {
	now = q.dropped()
	if time.Since(arrived) < time.Second {
		return now
	}
	root, err := os.OpenRoot(filepath.Join(q.spool, maildrop))
	if err != nil {
		return now
	}
	defer root.Close()
	for _, name := range now {
		if !slices.Contains(before, name) {
			_ = backdate(root, name, arrived, sender, to) // without it the message is there, too, and younger
		}
	}
	return now
}

// backdate changes one file, if it is the message's.
func backdate(root *os.Root, name string, arrived time.Time, sender string, to []string) error {
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return err
	}
	at, digits := 0, strconv.FormatInt(arrived.Unix(), 10)
	var from, rcpt []string
	for rest := head; ; {
		kind, value, after, ok := firstRecord(rest)
		if !ok {
			return fmt.Errorf("%s isn't a message in maildrop", name)
		}
		start := len(head) - len(rest) + (len(rest) - len(after) - len(value))
		switch kind {
		case 'T':
			seconds, _, _ := bytes.Cut(value, []byte(" "))
			n, err := strconv.ParseInt(string(seconds), 10, 64)
			if age := time.Since(time.Unix(n, 0)); err != nil || at > 0 || len(seconds) != len(digits) || age < -time.Minute || age > time.Hour {
				return fmt.Errorf("%s has no time that can be changed", name)
			}
			at = start
		case 'S':
			from = append(from, string(value))
		case 'R':
			rcpt = append(rcpt, string(value))
		case 'M': // its content begins
			if at == 0 || !slices.Equal(from, []string{sender}) || !slices.Equal(rcpt, to) {
				return fmt.Errorf("%s is another message", name)
			}
			if _, err := f.WriteAt([]byte(digits), int64(at)); err != nil {
				return err
			}
			return f.Sync()
		}
		rest = after
	}
}

// firstRecord takes the first record of a file of Postfix's queue: a letter, a length of seven bits an octet with the lowest first, and the value.
func firstRecord(b []byte) (kind byte, value, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, nil, false
	}
	kind = b[0]
	n, i := 0, 1
	for shift := 0; ; shift += 7 {
		if i == len(b) || shift > 21 {
			return 0, nil, nil, false
		}
		c := b[i]
		i++
		n |= int(c&0x7f) << shift
		if c&0x80 == 0 {
			break
		}
	}
	if len(b)-i < n {
		return 0, nil, nil, false
	}
	return kind, b[i : i+n], b[i+n:], true
}
