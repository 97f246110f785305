package verify

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// line is an entry in the file: a line of JSON.
type line struct {
	Address string    `json:"address"`
	Status  Status    `json:"status"`
	Text    string    `json:"text"`
	Updated time.Time `json:"updated"`
}

// load reads the file. What can't be read is forgotten.
func (v *Verifier) load() {
	if v.File == "" {
		return
	}
	f, err := os.Open(v.File)
	if err != nil {
		return
	}
	defer f.Close()
	now := v.now()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 64<<10)
	for sc.Scan() {
		var l line
		if json.Unmarshal(sc.Bytes(), &l) != nil || l.Address == "" || l.Status < Unknown || l.Status > Undeliverable {
			continue
		}
		e := &entry{Answer{l.Status, l.Text}, l.Updated, l.Updated}
		if !v.expired(e, now) && !l.Updated.After(now) {
			v.evict()
			v.known[fold(l.Address)] = e
		}
	}
}

// save writes the file anew.
func (v *Verifier) save() error {
	if v.File == "" {
		return nil
	}
	v.mu.Lock()
	if !v.changed {
		v.mu.Unlock()
		return nil
	}
	v.changed = false
	list := make([]line, 0, len(v.known))
	for key, e := range v.known {
		list = append(list, line{key, e.Status, e.Text, e.Updated})
	}
	v.mu.Unlock()
	f, err := os.CreateTemp(filepath.Dir(v.File), filepath.Base(v.File)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for i := range list {
		if err := enc.Encode(&list[i]); err != nil {
			break
		}
	}
	err = w.Flush()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), v.File)
}
