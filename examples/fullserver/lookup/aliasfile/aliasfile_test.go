package aliasfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/lookup/aliasfile"
)

// aliases(5): "The name is a local address (no domain part). Use double quotes when the name contains any special characters such as
// whitespace, `#', `:', or `@'."
func TestParseLine(t *testing.T) {
	for _, c := range []struct{ line, name, value, err string }{
		{"root: a, b", "root", "a, b", ""},
		{`"a b": c`, "a b", "c", ""},
		{"a.b : d", "a.b", "d", ""},
		{`"q\"x": e`, `q"x`, "e", ""},
		{`"q:y": "|cmd with, args", /file`, "q:y", `"|cmd with, args", /file`, ""},
		{`"a@b": x`, "a@b", "x", ""},
		{"h#i: j", "h#i", "j", ""},
		{"noc", "", "", "need name:value pair"},
		{"foo:  ", "", "", "need name:value pair"},
		{`"": x`, "", "", "empty name"},
		{"a@b: c", "", "", "name must be local"},
		{`"a: c`, "", "", "missing '\"'"},
		{`a\`, "", "", "backslash"},
	} {
		name, value, err := aliasfile.ParseLine(c.line)
		if c.err != "" {
			require.ErrorContains(t, err, c.err, c.line)
			continue
		}
		require.NoError(t, err, c.line)
		require.Equal(t, [2]string{c.name, c.value}, [2]string{name, value})
	}
}

func TestParseDestinations(t *testing.T) {
	for _, c := range []struct{ list, want string }{
		{"a, b", "address a; address b"},
		{"a,,b,", "address a; address b"},
		{`"|cmd with, args", /file`, "command cmd with, args; file /file"},
		{"|prog", "command prog"},
		{`|"prog (x) y"`, `command "prog (x) y"`},
		{":include:/etc/list", "include /etc/list"},
		{`":INCLUDE: /x y"`, "include /x y"},
		{`"a b"@example.com`, `address "a b"@example.com`},
		{`"a b"`, `address "a b"`},
		{`"plain"`, "address plain"},
		{"(c) x (d), y", "address x; address y"},
		{"Foo Bar <foo@bar>, z", "address foo@bar; address z"},
		{`"Bar, Foo" <foo@bar> (x)`, "address foo@bar"},
		{`\u`, `address \u`},
		{"", ""},
	} {
		list, err := aliasfile.ParseDestinations(c.list)
		require.NoError(t, err, c.list)
		var got []string
		for _, d := range list {
			got = append(got, d.Kind.String()+" "+d.Text)
		}
		require.Equal(t, c.want, strings.Join(got, "; "), c.list)
	}
	for _, list := range []string{`"a`, "(a", "<a", strings.Repeat("(", 200) + strings.Repeat(")", 200)} {
		_, err := aliasfile.ParseDestinations(list)
		require.Error(t, err, list)
	}
}

func TestParse(t *testing.T) {
	text := "# comment\nroot: a,\n\n# in between\n  b\nnonsense\n\"x\": y\n"
	var got []string
	for e, err := range aliasfile.Parse("/etc/aliases", text) {
		got = append(got, fmt.Sprint(e.Line, e.Name, e.Destinations, err))
	}
	require.Equal(t, []string{
		"2root[{address a} {address b}] <nil>", "0[] /etc/aliases:6: need name:value pair", "7x[{address y}] <nil>",
	}, got)
	got = nil
	for _, err := range aliasfile.Parse("f", "  stray: a\nb: c\n") {
		got = append(got, fmt.Sprint(err))
	}
	require.Equal(t, []string{"f:1: a continuation line with nothing before it; a name begins in the first column", "<nil>"}, got)
}

// What was read and is written again reads as the same.
func FuzzDestinations(f *testing.F) {
	for _, s := range []string{`a, "b c"@d, |x, /f, :include:/y`, `Foo <a@b>, "x\"y"`, "((", `"`, `\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		for range aliasfile.Parse("f", list) {
		}
		all, err := aliasfile.ParseDestinations(list)
		if err != nil {
			return
		}
		for _, d := range all {
			if d.Text == "" && d.Kind == aliasfile.Address {
				t.Fatalf("an empty address in %q", list)
			}
		}
	})
}

func ExampleParse() {
	text := "postmaster: root\nroot:  admin@example.com,\n       \"|/usr/bin/pager --urgent\"\n"
	for entry, err := range aliasfile.Parse("/etc/aliases", text) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		for _, d := range entry.Destinations {
			fmt.Printf("line %d: %s: %v %s\n", entry.Line, entry.Name, d.Kind, d.Text)
		}
	}
	// Output:
	// line 1: postmaster: address root
	// line 2: root: address admin@example.com
	// line 2: root: command /usr/bin/pager --urgent
}
