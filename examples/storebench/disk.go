package main

import (
	"fmt"
	"os"
)

// diskChange does what the disk does of a flag change: a rename, and a record that is appended to a file which is then synced.
type diskChange struct {
	dir       string
	log, room *os.File
	n         int
}

// recordSize is what the index log grows by when a flag changes.
const recordSize = 138

func newDiskChange(dir string) (*diskChange, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(dir+"/0", nil, 0o600); err != nil {
		return nil, err
	}
	d := &diskChange{dir: dir}
	var err error
	if d.log, err = os.Create(dir + "/log"); err != nil {
		return nil, err
	}
	if d.room, err = os.Create(dir + "/room"); err != nil {
		return nil, err
	}
	if _, err = d.room.Write(make([]byte, 1<<20)); err == nil {
		err = d.room.Sync()
	}
	return d, err
}

func (d *diskChange) change() error {
	d.n++
	if err := os.Rename(fmt.Sprint(d.dir, "/", d.n-1), fmt.Sprint(d.dir, "/", d.n)); err != nil {
		return err
	}
	if _, err := d.log.Write(make([]byte, recordSize)); err != nil {
		return err
	}
	return d.log.Sync()
}

// overwrite writes where the file has been written before.
func (d *diskChange) overwrite() error {
	d.n++
	if err := os.Rename(fmt.Sprint(d.dir, "/", d.n-1), fmt.Sprint(d.dir, "/", d.n)); err != nil {
		return err
	}
	if _, err := d.room.WriteAt(make([]byte, recordSize), int64(d.n*recordSize%(1<<20-recordSize))); err != nil {
		return err
	}
	return dataSync(d.room)
}

func (d *diskChange) close() {
	d.log.Close()
	d.room.Close()
}
