package takeover

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
)

// record is a file of lines that are durable once they are added. It is there as long as there is something to remember.
type record struct {
	f   *os.File
	has map[string]bool
	all []string // in their order
}

// openRecord opens one, which is made where there is none.
func openRecord(dir, name string) (*record, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	r := &record{f: f, has: map[string]bool{}}
	text, err := io.ReadAll(f)
	for line := range strings.Lines(string(text)) {
		line, whole := strings.CutSuffix(line, "\n")
		if !whole { // a crash has cut it off
			_, err = f.WriteString("\n")
			break
		}
		r.keep(line)
	}
	if err = errors.Join(err, secretfile.SyncDir(dir)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *record) keep(line string) {
	r.has[line] = true
	r.all = append(r.all, line)
}

func (r *record) add(lines ...string) error {
	if len(lines) == 0 {
		return nil
	}
	if _, err := r.f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		return err
	}
	for _, l := range lines {
		r.keep(l)
	}
	return r.f.Sync()
}

// end closes it; where nothing has to be remembered the file goes.
func (r *record) end(over bool) error {
	err := r.f.Close()
	if !over {
		return err
	}
	if gone := os.Remove(r.f.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return errors.Join(err, secretfile.SyncDir(filepath.Dir(r.f.Name())))
}

// journal says whose the messages are that both queues may have while they go from Postfix's to ours. Up to the line "ours" they are Postfix's, and what we
// have are copies; after it they are ours, and what Postfix has is to be removed; but for those that a roll-back gave to Postfix again, before it
// removed ours.
type journal struct{ *record }

func openJournal(dir string) (journal, error) {
	r, err := openRecord(dir, "moved")
	return journal{r}, err
}

// copying is written before a message is committed to our queue by its id.
func (j journal) copying(key, id string) error { return j.add("copy " + id + " " + key) }

// commit makes all that was copied ours.
func (j journal) commit() error { return j.add("ours") }

// giveUp makes messages Postfix's again.
func (j journal) giveUp(ids []string) error {
	lines := make([]string, len(ids))
	for i, id := range ids {
		lines[i] = "theirs " + id
	}
	return j.add(lines...)
}

// state returns which of our messages Postfix may have, too: ours by Postfix's key, and those that are to be removed here.
func (j journal) state() (ours map[string]string, theirs []string) {
	ours = map[string]string{}
	for _, line := range j.all {
		word, rest, _ := strings.Cut(line, " ")
		id, key, _ := strings.Cut(rest, " ")
		switch {
		case word != "copy":
		case !j.has["ours"] || j.has["theirs "+id]:
			theirs = append(theirs, id)
		default:
			ours[key] = id
		}
	}
	return ours, theirs
}

// clear forgets all, once no message is in both queues.
func (j journal) clear() error {
	if err := errors.Join(j.f.Truncate(0), j.f.Sync()); err != nil {
		return err
	}
	j.record.all = nil
	clear(j.has)
	return nil
}
