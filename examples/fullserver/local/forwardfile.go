package local

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/lookup/aliasfile"
)

// forwardFile reads the first .forward of forward_path that there is; list is nil where there is none, or where it is empty, which Postfix takes for
// none. One that can't be read is left for later, so that mail that is to be forwarded isn't filed.
func (a *Agent) forwardFile(home, name string) (list []aliasfile.Destination, file string, err error) {
	user, ext := a.Policy.Now().Rules.Extension(name)
	paths := strings.FieldsFunc(a.Settings.ForwardPath, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
	values := map[string]string{"home": home, "user": user, "local": name, "extension": strings.TrimLeft(ext, a.Settings.Delimiter), "recipient_delimiter": first(ext)}
	for _, path := range paths {
		// An extension must not lead out of the user's home.
		path, ok := expandNames(path, values, func(key, value string) bool {
			return key == "home" || !strings.ContainsAny(value, "/\x00") && value != ".." && value != "."
		})
		if !ok || ext == "" && strings.Contains(path, "$") {
			continue
		}
		list, err := readList(path, home)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, path, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 2, 0}, Text: "cannot read the user's .forward", Err: err}
		case len(list) == 0:
			return nil, path, nil
		}
		return list, path, nil
	}
	return nil, "", nil
}

func first(s string) string {
	if s == "" {
		return ""
	}
	return s[:1]
}

// expandNames puts values for $name and ${name}, and for ${name?text} and ${name:text}. ok is false where a name isn't known, or a value isn't allowed.
func expandNames(s string, values map[string]string, allowed func(key, value string) bool) (out string, ok bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		braced := strings.HasPrefix(after, "{")
		if braced {
			inner, rest, ok := strings.Cut(after[1:], "}")
			if !ok {
				return "", false
			}
			after, s = inner, rest
		}
		n := 0
		for n < len(after) && (after[n] == '_' || after[n]|0x20 >= 'a' && after[n]|0x20 <= 'z') {
			n++
		}
		key, tail := after[:n], after[n:]
		if !braced {
			s, tail = tail, ""
		}
		value, known := values[key]
		if !known || value != "" && allowed != nil && !allowed(key, value) {
			return "", false
		}
		switch {
		case tail == "":
			b.WriteString(value)
		case tail[0] == '?':
			if value != "" {
				b.WriteString(tail[1:])
			}
		case tail[0] == ':':
			if value == "" {
				b.WriteString(tail[1:])
			}
		default:
			return "", false
		}
	}
}
