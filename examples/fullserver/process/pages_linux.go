package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of linux/userfaultfd.h.
const (
	uffdUserModeOnly = 1 // flag of userfaultfd(2): no right is needed
	uffdAPI          = 0xAA
	uffdWPAsync      = 1 << 15 // feature: pages that are written to report to nobody
	uffdModeWP       = 1 << 1
	uffdioAPI        = 0xC018AA3F
	uffdioRegister   = 0xC020AA00
)

// Unmap takes the pages of the program's own file out of this process's memory, and has those that it needs again come back one by one. They stay in the
// system's cache, so that each costs less than a microsecond.
//
// By itself Linux maps sixteen pages around the one that is needed, or two megabytes where the cache holds the file in such pieces, and all that only the start
// needed stays as well: 35 MiB, of which a server with hundreds of users needs 8. There is no setting for one program; but memory that is watched for writing by
// userfaultfd(2) is mapped page by page. So the program is watched, though nobody writes there and nobody is told (UFFD_FEATURE_WP_ASYNC, Linux 6.7). Where
// that can't be had Unmap returns an error, and nothing has changed. It is called once.
func Unmap() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer maps.Close()
	regions, err := unwritten(maps, exe)
	if err != nil {
		return err
	}
	fd, err := watcher()
	if err != nil {
		return fmt.Errorf("userfaultfd: %w", err)
	}
	for _, r := range regions {
		if err := r.unmap(fd); err != nil {
			return errors.Join(err, unix.Close(int(fd)))
		}
	}
	return nil // fd stays open: what it watches ends with it
}

// watcher opens what can watch memory without telling anybody.
func watcher() (fd uintptr, err error) {
	fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|uffdUserModeOnly, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	api := struct{ api, features, ioctls uint64 }{api: uffdAPI, features: uffdWPAsync}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, uffdioAPI, uintptr(unsafe.Pointer(&api))); errno != 0 {
		return 0, errors.Join(errno, unix.Close(int(fd)))
	}
	return fd, nil
}

// region is a part of the address space.
type region struct{ start, length uintptr }

// unmap takes a region's pages out of memory, to come back one by one.
func (r region) unmap(watcher uintptr) error {
	watch := struct{ start, length, mode, ioctls uint64 }{start: uint64(r.start), length: uint64(r.length), mode: uffdModeWP}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, watcher, uffdioRegister, uintptr(unsafe.Pointer(&watch))); errno != 0 {
		return fmt.Errorf("userfaultfd: %w", errno)
	}
	for _, advice := range []uintptr{unix.MADV_NOHUGEPAGE, unix.MADV_DONTNEED} {
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, r.start, r.length, advice)
		if errno != 0 && advice == unix.MADV_DONTNEED { // a kernel without huge pages doesn't know the other
			return fmt.Errorf("madvise: %w", errno)
		}
	}
	return nil
}

// unwritten finds in /proc/self/smaps (proc_pid_smaps(5)) where file is mapped and nothing may or could ever be written: a page that was is the process's own,
// also where a loader has closed it again, and would be lost.
func unwritten(smaps io.Reader, file string) ([]region, error) {
	var list []region
	last := false // the region that is being read is the list's last
	in := bufio.NewScanner(smaps)
	for in.Scan() {
		f := strings.Fields(in.Text())
		if len(f) >= 2 && strings.HasSuffix(f[0], ":") {
			if last && f[1] != "0" && (f[0] == "Anonymous:" || f[0] == "Swap:") {
				list, last = list[:len(list)-1], false
			}
			continue
		}
		if last = len(f) >= 6 && (f[1] == "r-xp" || f[1] == "r--p") && strings.TrimSuffix(strings.Join(f[5:], " "), " (deleted)") == file; !last {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		start, err := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err := errors.Join(err, err2); err != nil || end <= start {
			return nil, fmt.Errorf("/proc/self/smaps: %q: %w", in.Text(), err)
		}
		list = append(list, region{start: uintptr(start), length: uintptr(end - start)})
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("/proc/self/smaps doesn't tell where %s is", file)
	}
	return list, nil
}
