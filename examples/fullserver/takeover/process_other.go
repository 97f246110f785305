//go:build !unix

package takeover

import "os/exec"

func alone(*exec.Cmd) {}

func alive(int) bool { return false }
