package maildir

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// uidList is what a dovecot-uidlist says.
type uidList struct {
	validity uint32
	next     uint32
	id       string // the mailbox's GUID, 32 hexadecimal digits, "" when the list has none
	entries  []uidEntry
	lines    int  // entries as they stand in the file
	damaged  bool // lines were skipped
}

type uidEntry struct {
	uid  uint32
	guid string
	base string
}

// parseUIDList reads a list of version 3 ("3 V<validity> N<next> G<guid>", then "<uid> <extensions> :<name>") or
// version 1 ("1 <validity> <next>", then "<uid> <name>"). It returns nil when not even the first line can be read.
// Lines that can't be read, and UIDs that don't ascend, are left out; next is above every UID that was seen.
func parseUIDList(b []byte) *uidList {
	first, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return nil
	}
	l := &uidList{}
	var version int
	switch f := strings.Fields(string(first)); {
	case len(f) == 3 && f[0] == "1":
		version, l.validity, l.next = 1, number(f[1]), number(f[2])
	case len(f) >= 2 && f[0] == "3":
		version = 3
		for _, x := range f[1:] {
			switch x[0] {
			case 'V':
				l.validity = number(x[1:])
			case 'N':
				l.next = number(x[1:])
			case 'G':
				if validGUID(x[1:]) {
					l.id = strings.ToLower(x[1:])
				}
			}
		}
	}
	if version == 0 || l.validity == 0 {
		return nil
	}
	l.damaged = l.next == 0
	l.next = max(l.next, 1)
	last := uint32(0)
	sc := bufio.NewScanner(bytes.NewReader(rest))
	sc.Buffer(nil, 64<<10)
	for sc.Scan() {
		l.lines++
		e, ok := parseUIDEntry(sc.Text(), version)
		if !ok || e.uid <= last {
			l.damaged = true
			continue
		}
		last = e.uid
		l.entries = append(l.entries, e)
	}
	if sc.Err() != nil || len(rest) > 0 && rest[len(rest)-1] != '\n' {
		l.damaged = true
	}
	if last != ^uint32(0) {
		l.next = max(l.next, last+1)
	} else {
		l.next = last
	}
	return l
}

func parseUIDEntry(line string, version int) (e uidEntry, ok bool) {
	num, rest, _ := strings.Cut(line, " ")
	e.uid = number(num)
	if version == 1 {
		e.base = rest
	} else {
		for rest != "" && rest[0] != ':' {
			var field string
			field, rest, _ = strings.Cut(rest, " ")
			if len(field) > 1 && field[0] == 'G' && safeBase(field[1:]) {
				e.guid = field[1:]
			}
		}
		e.base = strings.TrimPrefix(rest, ":")
	}
	e.base, _, _ = strings.Cut(e.base, ":")
	return e, e.uid != 0 && safeBase(e.base)
}

// number reads a decimal number of 32 bits, 0 when it isn't one.
func number(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// appendUIDHeader writes the first line of a list.
func appendUIDHeader(b []byte, h *head) []byte {
	return fmt.Appendf(b, "3 V%d N%d G%s\n", h.validity, h.next, h.id)
}

// appendUIDEntry writes one message's line; other are fields that are not ours, with a space before each.
func appendUIDEntry(b []byte, uid uint32, guid, other, base string) []byte {
	b = strconv.AppendUint(b, uint64(uid), 10)
	if guid != "" {
		b = append(b, " G"...)
		b = append(b, guid...)
	}
	b = append(b, other...)
	b = append(b, " :"...)
	b = append(b, base...)
	return append(b, '\n')
}
