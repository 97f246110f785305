//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// inChild runs a measurement in a process of its own, whose memory is that of the measurement alone, and returns what it
// prints.
func inChild(ctx context.Context, name string, args ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"-child", name}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func runChild(ctx context.Context, name string, args []string) error {
	if len(args) != 1 {
		return errors.New("a folder is expected")
	}
	switch name {
	case "start":
		return startChild(ctx, args[0])
	case "list":
		return listChild(ctx, args[0])
	}
	return fmt.Errorf("no measurement %q", name)
}

// maxResident is the largest resident set that the process has had: VmHWM of proc(5).
func maxResident() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	var kib int
	if _, err := fmt.Sscan(after, &kib); err != nil {
		return ""
	}
	return fmt.Sprintf("%.1f MiB", float64(kib)/1024)
}
