package notice

import (
	"fmt"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/buuta/mail/mime"
)

// maxFile bounds a template file, in octets.
const maxFile = 256 << 10

// Parse reads a template file: "name_template = <<EOF", headers, an empty line and text up to a line that is the word, for any
// of the names of a [Set]. Lines outside that are empty or begin with "#" are passed over. The headers are of one line
// each: Charset (us-ascii or utf-8), From, Subject, Postmaster-Subject; encoded words in them are read. In the text "$" begins a name of main.cf and "$$" is a
// dollar. Errors tell the line.
func Parse(text string) (*Set, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("notice: a template file of more than %d octets", maxFile)
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, fmt.Errorf("notice: a template file must be UTF-8 without NUL")
	}
	s := &Set{}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || lines[i][0] == '#' {
			continue
		}
		name, word, ok := strings.Cut(line, "<<")
		name, eq := strings.CutSuffix(strings.TrimSpace(name), "=")
		name, word = strings.TrimSpace(name), strings.TrimSpace(word)
		if !ok || !eq || word == "" || strings.ContainsAny(word, " \t'\"") {
			return nil, fmt.Errorf("notice: line %d: want \"name_template = <<EOF\"", i+1)
		}
		where := s.find(name)
		if where == nil {
			return nil, fmt.Errorf("notice: line %d: no template is called %q", i+1, name)
		}
		if *where != nil {
			return nil, fmt.Errorf("notice: line %d: a second %s", i+1, name)
		}
		begin := i + 1
		for i++; ; i++ {
			if i == len(lines) {
				return nil, fmt.Errorf("notice: line %d: no line %q ends %s", begin, word, name)
			}
			if lines[i] == word {
				break
			}
		}
		t, err := parseTemplate(name, lines[begin:i], begin)
		if err != nil {
			return nil, err
		}
		*where = t
	}
	return s, nil
}

func (s *Set) find(name string) **Template {
	switch name {
	case "failure_template":
		return &s.Failure
	case "delay_template":
		return &s.Delay
	case "success_template":
		return &s.Success
	case "verify_template":
		return &s.Verify
	case "recipient_template":
		return &s.Recipient
	}
	return nil
}

// parseTemplate reads headers and text, which begin after so many lines of the file.
func parseTemplate(name string, lines []string, after int) (*Template, error) {
	t := &Template{}
	charset := "us-ascii"
	n := 0
	for n < len(lines) && strings.TrimSpace(lines[n]) != "" {
		key, value, ok := strings.Cut(lines[n], ":")
		value = strings.TrimSpace(value)
		if !ok {
			return nil, fmt.Errorf("notice: line %d: want a header, or an empty line before the text", after+n+1)
		}
		var err error
		switch strings.ToLower(key) {
		case "charset":
			if charset = strings.ToLower(value); charset != "us-ascii" && charset != "utf-8" {
				err = fmt.Errorf("charset %q is neither us-ascii nor utf-8", value)
			}
		case "from":
			t.From, err = parseFrom(value)
		case "subject":
			t.Subject = mime.DecodeText(value)
		case "postmaster-subject":
			t.PostmasterSubject = mime.DecodeText(value)
		default:
			err = fmt.Errorf("no header is called %q", key)
		}
		if err != nil {
			return nil, fmt.Errorf("notice: line %d: %w", after+n+1, err)
		}
		n++
	}
	if n < len(lines) {
		n++ // the empty line
	}
	text := strings.Join(lines[n:], "\n") + "\n"
	if charset == "us-ascii" && !isASCII(strings.Join(lines, "")) {
		return nil, fmt.Errorf("notice: %s: text beyond ASCII needs \"Charset: utf-8\"", name)
	}
	source, err := expandNames(text)
	if err == nil {
		t.text, err = template.New(name).Option("missingkey=error").Parse(source)
	}
	if err != nil {
		return nil, fmt.Errorf("notice: %s, whose text begins in line %d: %w", name, after+n+1, err)
	}
	return t, nil
}

// parseFrom reads an address, which need not have a domain: "MAILER-DAEMON (Mail Delivery System)".
func parseFrom(s string) (mime.Address, error) {
	addr, name := s, ""
	if a, comment, ok := strings.Cut(s, "("); ok {
		addr, name = strings.TrimSpace(a), strings.TrimSuffix(strings.TrimSpace(comment), ")")
	} else if n, a, ok := strings.Cut(s, "<"); ok {
		addr, name = strings.TrimSuffix(strings.TrimSpace(a), ">"), strings.Trim(strings.TrimSpace(n), `"`)
	}
	local := !strings.Contains(addr, "@")
	if local {
		addr += "@domain.invalid"
	}
	a, err := mime.ParseAddress(addr)
	if err != nil {
		return a, fmt.Errorf("bad address %q", s)
	}
	if a.Name = mime.DecodeText(name); local {
		a.Host = ""
	}
	return a, nil
}

// names are what main.cf's names stand for in a text/template.
var names = map[string]string{"myhostname": ".ReportingMTA", "mydomain": ".Domain"}

// expandNames turns main.cf's names into actions of text/template. Those in actions, between "{{" and "}}", are Go's.
func expandNames(s string) (string, error) {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		s = s[i:]
		if strings.HasPrefix(s, "{{") {
			end := strings.Index(s, "}}")
			if end < 0 {
				return "", fmt.Errorf("\"{{\" without \"}}\"")
			}
			b.WriteString(s[:end+2])
			s = s[end+2:]
			continue
		}
		if s[0] == '{' {
			b.WriteByte('{')
			s = s[1:]
			continue
		}
		name, rest := nameAt(s[1:])
		action, err := actionOf(name)
		if err != nil {
			return "", err
		}
		b.WriteString(action)
		s = rest
	}
}

// nameAt takes a name, with or without braces, from what follows a "$". A second "$" is its own name.
func nameAt(s string) (name, rest string) {
	if strings.HasPrefix(s, "$") {
		return "$", s[1:]
	}
	open, closing := "", ""
	for _, pair := range []string{"{}", "()"} {
		if strings.HasPrefix(s, pair[:1]) {
			open, closing = pair[:1], pair[1:]
		}
	}
	s = s[len(open):]
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if !strings.HasPrefix(s[n:], closing) {
		return "", s
	}
	return s[:n], s[n+len(closing):]
}

// actionOf is what a name stands for.
func actionOf(name string) (string, error) {
	if name == "$" {
		return "$", nil
	}
	if field := names[name]; field != "" {
		return "{{" + field + "}}", nil
	}
	for prefix, field := range map[string]string{"delay_warning_time_": ".DelayWarning", "maximal_queue_lifetime_": ".Lifetime"} {
		if unit, ok := strings.CutPrefix(name, prefix); ok && units[unit] != 0 {
			return "{{.In \"" + unit + "\" " + field + "}}", nil
		}
	}
	return "", fmt.Errorf("no value is called \"$%s\"", name)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
