//go:build unix

package backup

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// ownerOf names a file's owner and group, by number: names are looked up once, when the backup is restored elsewhere, by [owners].
func ownerOf(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d", st.Uid, st.Gid)
}

// owners knows users and groups by name and number.
type owners struct{ known map[string]string }

// name turns numbers into names, where there are some: the same user can have another number on another machine.
func (o *owners) name(numbers string) string {
	if out, ok := o.known[numbers]; ok || numbers == "" {
		return out
	}
	uid, gid, _ := strings.Cut(numbers, ":")
	out := numbers
	u, err1 := user.LookupId(uid)
	g, err2 := user.LookupGroupId(gid)
	if err1 == nil && err2 == nil {
		out = u.Username + ":" + g.Name
	}
	o.put(numbers, out)
	return out
}

func (o *owners) put(key, value string) {
	if o.known == nil {
		o.known = map[string]string{}
	}
	o.known[key] = value
}

// give makes a file its owner's again. Only root can; for others it is theirs.
func (o *owners) give(file, owner string) error {
	if owner == "" || os.Geteuid() != 0 {
		return nil
	}
	numbers, ok := o.known[owner]
	if !ok {
		numbers = numbersOf(owner)
		o.put(owner, numbers)
	}
	uid, gid, _ := strings.Cut(numbers, ":")
	u, err1 := strconv.Atoi(uid)
	g, err2 := strconv.Atoi(gid)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("%s: there is no user or group %s here", file, owner)
	}
	return os.Lchown(file, u, g)
}

// numbersOf is the way back.
func numbersOf(owner string) string {
	name, group, _ := strings.Cut(owner, ":")
	if u, err := user.Lookup(name); err == nil {
		name = u.Uid
	}
	if g, err := user.LookupGroup(group); err == nil {
		group = g.Gid
	}
	return name + ":" + group
}
