//go:build !linux

package peers

import "os/exec"

// endsWithUs does nothing where there are no namespaces to run the servers in.
func endsWithUs(*exec.Cmd) {}

// runAs does nothing either: Debian's Dovecot isn't here.
func runAs(*exec.Cmd, int, int) {}
