// Package getopt takes command lines apart as the C library's getopt does, by which Postfix's commands read theirs: "-d ID", "-dID" and "-hv"
// are all right, and flags may stand behind other words.
package getopt

import "strings"

// Flags are the letters that a command knows.
type Flags struct {
	With     string // that take a value, the rest of the word or the next one
	Attached string // that take a value, which is the rest of the word, and may be ""
	Without  string // that take none
}

// Option is a letter of a command line with its value.
type Option struct {
	Letter byte
	Value  string
}

// Error is what is wrong with a command line.
type Error struct {
	Letter byte
	Known  bool // the letter is one of the command's, and lacks its value
}

// Error says so in a few words.
func (e *Error) Error() string {
	if e.Known {
		return "-" + string(rune(e.Letter)) + " needs a value"
	}
	return "-" + string(rune(e.Letter)) + " is not a flag"
}

// Parse returns the flags in their order, and the other words. Behind "--" all are other words. The error is an *Error.
func (f Flags) Parse(args []string) (opts []Option, rest []string, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if word == "--" {
			return opts, append(rest, args...), nil
		}
		if len(word) < 2 || word[0] != '-' {
			rest = append(rest, word)
			continue
		}
		for word = word[1:]; word != ""; {
			o := Option{Letter: word[0]}
			word = word[1:]
			switch {
			case strings.IndexByte(f.Without, o.Letter) >= 0:
			case strings.IndexByte(f.Attached, o.Letter) >= 0:
				o.Value, word = word, ""
			case strings.IndexByte(f.With, o.Letter) < 0:
				return nil, nil, &Error{Letter: o.Letter}
			case word != "":
				o.Value, word = word, ""
			case len(args) > 0:
				o.Value, args = args[0], args[1:]
			default:
				return nil, nil, &Error{Letter: o.Letter, Known: true}
			}
			opts = append(opts, o)
		}
	}
	return opts, rest, nil
}
