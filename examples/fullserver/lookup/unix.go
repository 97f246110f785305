package lookup

import (
	"context"
	"fmt"
	"strings"
)

// openUnix opens unix:passwd.byname and unix:group.byname: the line of a login or a group. They are read from the files, and again when
// these change; users that only a directory service knows are not in them.
func openUnix(_ context.Context, name string, o *Options) (Table, error) {
	file, fields := "", 0
	switch name {
	case "passwd.byname":
		file, fields = o.PasswdFile, 7
	case "group.byname":
		file, fields = o.GroupFile, 4
	default:
		return nil, fmt.Errorf("unknown name %q; known are passwd.byname and group.byname", name)
	}
	return openFile(file, o, func(text string) (Table, error) {
		b := newArena(len(text))
		line := 0
		for s := range strings.Lines(text) {
			line++
			s = strings.TrimRight(s, "\r\n")
			key, _, _ := strings.Cut(s, ":")
			switch {
			case s == "" || s[0] == '#':
			case strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-"): // NIS' marks
			case strings.Count(s, ":") != fields-1 || key == "":
				o.Warn(&Problem{File: file, Line: line, Reason: fmt.Sprintf("expected %d fields; line left out", fields)})
			default:
				if _, err := b.add(key, s); err != nil {
					return nil, err
				}
			}
		}
		return &textTable{entries: b.done(), noFold: o.NoFold, octets: o.NoUTF8}, nil
	})
}
