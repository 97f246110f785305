package process

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What a process has of its own must not be dropped: a loader's relocations (Anonymous, though the region is closed for writing), also when they are swapped
// out, and what is another file's. Lines as Linux 6.18 writes them, shortened.
func TestUnwritten(t *testing.T) {
	const smaps = `00400000-014f7000 r-xp 00001000 fe:00 65538                              /opt/mail server/fullserver (deleted)
Size:              17372 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd ex mr mw me
014f9000-025f0000 r--p 010f9000 fe:00 65538                              /opt/mail server/fullserver (deleted)
Anonymous:             0 kB
Swap:                  0 kB
025f0000-025f1000 r--p 021ef000 fe:00 65538                              /opt/mail server/fullserver (deleted)
Anonymous:             4 kB
Swap:                  0 kB
025f1000-025f2000 r--p 021ef000 fe:00 65538                              /opt/mail server/fullserver (deleted)
Anonymous:             0 kB
Swap:                  4 kB
025f2000-02763000 rw-p 021f0000 fe:00 65538                              /opt/mail server/fullserver (deleted)
Anonymous:             0 kB
Swap:                  0 kB
02763000-04800000 rw-p 00000000 00:00 0 
7f0000000000-7f0000028000 r--p 00000000 fe:00 4711                       /usr/lib/x86_64-linux-gnu/libc.so.6
Anonymous:             0 kB
7f0000028000-7f0000030000 r--s 00000000 fe:00 4712                       /var/lib/fullserver/contacts.db
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                          [vdso]
`
	got, err := unwritten(strings.NewReader(smaps), "/opt/mail server/fullserver")
	require.NoError(t, err)
	require.Equal(t, []region{{0x400000, 0x10f7000}, {0x14f9000, 0x10f7000}}, got)
	_, err = unwritten(strings.NewReader(smaps), "/usr/bin/other")
	require.ErrorContains(t, err, "doesn't tell where /usr/bin/other is")
	_, err = unwritten(strings.NewReader("4000 r-xp 0 fe:00 1 /x\n"), "/x")
	require.ErrorContains(t, err, "4000 r-xp")
}

// All of the program is in memory, then next to nothing, and it is the same program.
func TestUnmap(t *testing.T) { play(t, "unmapped", "", nil) }

func unmapped() error {
	before, sum, err := program(true)
	if err != nil {
		return err
	}
	switch err := Unmap(); {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM), errors.Is(err, unix.EINVAL):
		return nil // an older kernel, or one that doesn't let us
	case err != nil:
		return err
	}
	runtime.GC()
	after, _, err := program(false)
	if err != nil {
		return err
	}
	if _, again, err := program(true); err != nil || sum != again {
		return fmt.Errorf("the program has become another: %w", err)
	}
	if after > before/2 {
		return fmt.Errorf("%d KiB of the program were in memory, and %d after it was unmapped", before, after)
	}
	return nil
}

// program tells how many KiB of this program are in memory, after reading all of it if the sum of that is wanted.
func program(read bool) (kib int, sum [sha256.Size]byte, err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, sum, err
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return 0, sum, err
	}
	regions, err := unwritten(bytes.NewReader(smaps), exe)
	if err != nil {
		return 0, sum, err
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return 0, sum, err
	}
	defer mem.Close()
	hash := sha256.New()
	pages := make([]byte, 1<<16)
	for _, r := range regions {
		if read {
			if _, err := io.CopyBuffer(hash, io.NewSectionReader(mem, int64(r.start), int64(r.length)), pages); err != nil {
				return 0, sum, err
			}
		}
		in, err := resident(r)
		if err != nil {
			return 0, sum, err
		}
		kib += in
	}
	return kib, [sha256.Size]byte(hash.Sum(nil)), nil
}

// resident counts a region's pages in this process's memory (proc_pid_pagemap(5): bit 63), in KiB.
func resident(r region) (kib int, err error) {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page := uintptr(os.Getpagesize())
	entries := make([]byte, r.length/page*8)
	if _, err := f.ReadAt(entries, int64(r.start/page*8)); err != nil {
		return 0, err
	}
	for i := 7; i < len(entries); i += 8 { // of a machine whose last octet is the highest
		if entries[i]&0x80 != 0 {
			kib += int(page) / 1024
		}
	}
	return kib, nil
}
