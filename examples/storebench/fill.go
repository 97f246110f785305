package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// message returns a mail of about this size.
func message(size int) string {
	head := "From: Sender <a@example.test>\r\nTo: User <b@example.test>\r\nSubject: benchmark\r\nMessage-ID: <1@example.test>\r\nDate: Fri, 1 May 2026 12:00:00 +0000\r\n\r\n"
	return head + strings.Repeat("The quick brown fox jumps over the lazy dog, and again.\r\n", max(1, (size-len(head))/57))
}

// fill makes a Maildir of n messages as other programs leave it: no index, no UID list. With sizes in their names messages are
// names of a few files, else each has its own.
func fill(dir string, n int, content string, sizes bool) error {
	for _, d := range []string{"", "/cur", "/new", "/tmp"} {
		if err := os.MkdirAll(dir+d, 0o700); err != nil {
			return err
		}
	}
	end := ""
	if sizes {
		end = fmt.Sprintf(",S=%d,W=%d", len(content), len(content))
	}
	source := ""
	for i := range n {
		name := fmt.Sprintf("%s/cur/%d.M%06dP7Q%d.host%s:2,S", dir, 1761234567+i/100, i*7919%1000000, i, end)
		if sizes && i%30000 != 0 {
			if err := os.Link(source, name); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			return err
		}
		source = name
	}
	return nil
}

// strip takes away what we and Dovecot have put beside the messages.
func strip(dir string) error {
	for _, pattern := range []string{"buuta.*", "dovecot*"} {
		all, err := filepath.Glob(dir + "/" + pattern)
		if err != nil {
			return err
		}
		for _, f := range all {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// cold empties the machine's caches, where that is allowed, and says whether it was.
func cold() bool { return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0) == nil }
