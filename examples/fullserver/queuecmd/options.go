package queuecmd

import "strings"

// option is a letter on a command line, with its value where it takes one.
type option struct {
	letter byte
	value  string
}

// options takes a command line apart as getopt does: "-d ID", "-dID" and "-hv" are all that. with are the letters that take a value,
// without those that don't; ok is false for others, and where a value is missing.
func options(args []string, with, without string) (opts []option, rest []string, ok bool) {
	for len(args) > 0 {
		a := args[0]
		if a == "--" {
			return opts, args[1:], true
		}
		if len(a) < 2 || a[0] != '-' {
			break
		}
		args = args[1:]
		for a = a[1:]; a != ""; {
			c := a[0]
			a = a[1:]
			switch {
			case strings.IndexByte(without, c) >= 0:
				opts = append(opts, option{letter: c})
			case strings.IndexByte(with, c) < 0:
				return nil, nil, false
			case a != "":
				opts = append(opts, option{c, a})
				a = ""
			case len(args) > 0:
				opts = append(opts, option{c, args[0]})
				args = args[1:]
			default:
				return nil, nil, false
			}
		}
	}
	return opts, args, true
}
