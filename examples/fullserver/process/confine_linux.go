package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// system is what every program reads: libraries, names, certificates, time zones, devices without content. What isn't there is passed over.
var system = []string{"/etc", "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/proc", "/sys/fs/cgroup", "/sys/kernel/mm", "/dev/urandom", "/dev/random"}

// Confine takes from this process, and from every command that it starts, the sight of all files but these, for good (Landlock). It says how much the
// kernel can do, and fails where that is nothing. Sockets in the file system stay in reach: who may connect is their folders' to say.
func Confine(p Paths) (string, error) {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return "", errors.New("this kernel has no Landlock, or it is switched off (lsm= on its command line)")
	}
	read := system
	rules := []landlock.Rule{landlock.RWFiles("/dev/null", "/dev/tty").IgnoreIfMissing()}
	if p.Commands {
		read = append(read[:len(read):len(read)], "/opt", "/dev/fd")
	}
	for _, path := range append(read[:len(read):len(read)], p.Read...) {
		rule, err := readable(path, p.Commands)
		if err != nil {
			return "", err
		}
		if rule != nil {
			rules = append(rules, rule)
		}
	}
	for _, path := range p.Write {
		rule, err := writable(path)
		if err != nil {
			return "", err
		}
		rules = append(rules, rule)
	}
	if err := landlock.V6.BestEffort().RestrictPaths(rules...); err != nil {
		return "", err
	}
	return fmt.Sprintf("Landlock ABI %d", abi), nil
}

// readable is the rule for a file or folder that is read, nil where it is missing.
func readable(path string, run bool) (landlock.Rule, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return nil, nil // it couldn't be read without us either
	case err != nil:
		return nil, err
	}
	rights := landlock.AccessFSSet(ll.AccessFSReadFile)
	if info.IsDir() {
		rights |= ll.AccessFSReadDir
	}
	if run {
		rights |= ll.AccessFSExecute
	}
	return landlock.PathAccess(rights, path), nil
}

// writable is the rule for what is written. A program found there isn't run.
func writable(path string) (landlock.Rule, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return landlock.PathAccess(ll.AccessFSReadFile|ll.AccessFSWriteFile|ll.AccessFSTruncate, path), nil
	}
	return landlock.PathAccess(ll.AccessFSReadFile|ll.AccessFSReadDir|ll.AccessFSWriteFile|ll.AccessFSTruncate|ll.AccessFSRemoveDir|ll.AccessFSRemoveFile|
		ll.AccessFSMakeDir|ll.AccessFSMakeReg|ll.AccessFSMakeSock|ll.AccessFSMakeFifo|ll.AccessFSMakeSym|ll.AccessFSRefer, path), nil
}
