package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"

	"github.com/buuta/mail"
)

// journal is a file with one line for each step. A copy has two: that it is about to be sent, synced before, and what it has become.
type journal struct {
	f     *os.File
	boxes map[boxKey]map[mail.UID]*copied
}

// boxKey names a mailbox of the source for as long as its UIDs hold.
type boxKey struct {
	Name     string
	Validity uint32
}

// copied is what is known of a message of the source.
type copied struct {
	UID      mail.UID `json:"uid"`            // there; 0: perhaps sent
	Validity uint32   `json:"validity"`       // of the target
	Next     mail.UID `json:"next,omitempty"` // there it has this UID or a higher one
	Gone     bool     `json:"gone,omitempty"` // the copy has been expunged
}

type entry struct {
	Mailbox        string   `json:"mailbox"`
	SourceValidity uint32   `json:"source_validity"`
	SourceUID      mail.UID `json:"source_uid"`
	copied
}

// openJournal reads what there is. A last line that was not written whole is forgotten.
func openJournal(name string) (*journal, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{f: f, boxes: map[boxKey]map[mail.UID]*copied{}}
	r, end := bufio.NewReader(f), int64(0)
	for {
		line, err := r.ReadBytes('\n')
		var e entry
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		end += int64(len(line))
		c := e.copied
		j.box(e.Mailbox, e.SourceValidity)[e.SourceUID] = &c
	}
	if err = f.Truncate(end); err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

func (j *journal) box(name string, validity uint32) map[mail.UID]*copied {
	key := boxKey{name, validity}
	if j.boxes[key] == nil {
		j.boxes[key] = map[mail.UID]*copied{}
	}
	return j.boxes[key]
}

// note writes a line durably.
func (j *journal) note(name string, validity uint32, uid mail.UID, c copied) error {
	b, err := json.Marshal(entry{name, validity, uid, c})
	if err != nil {
		return err
	}
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return err
	}
	j.box(name, validity)[uid] = &c
	return j.f.Sync()
}

func (j *journal) close() error { return j.f.Close() }
