package mail_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/buuta/mail"

// TestImports holds what the packages import to the table in docs/architecture.md, both ways: what is imported stands
// there, and what stands there is imported. Tests may import what they like.
func TestImports(t *testing.T) {
	table := docTable(t, "imports")
	found := map[string]map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "fullserver-data"):
			return filepath.SkipDir
		case d.IsDir() && path != ".":
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir // a module of its own
			}
			return nil
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if found[dir] == nil {
			found[dir] = map[string]bool{}
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, im := range f.Imports {
			p := strings.Trim(im.Path.Value, `"`)
			if p == module {
				found[dir]["."] = true
			} else if own, ok := strings.CutPrefix(p, module+"/"); ok {
				found[dir][own] = true
			} else if strings.Contains(strings.SplitN(p, "/", 2)[0], ".") {
				found[dir][p] = true
			}
		}
		return nil
	})
	require.NoError(t, err)
	for dir, imports := range found {
		allowed, ok := table[dir]
		if !ok && strings.HasPrefix(dir, "examples/") {
			continue // examples may import everything; the table lists the libraries
		}
		if !ok {
			t.Errorf("package %s is not in the table of docs/architecture.md", dir)
			continue
		}
		for im := range imports {
			if !slices.Contains(allowed, im) {
				t.Errorf("%s imports %s, which docs/architecture.md does not list", dir, im)
			}
		}
		for _, im := range allowed {
			if !imports[im] {
				t.Errorf("docs/architecture.md lists %s under %s, which does not import it", im, dir)
			}
		}
	}
	for dir := range table {
		if found[dir] == nil {
			t.Errorf("docs/architecture.md lists package %s, which is not there", dir)
		}
	}
}

// docTable reads a block of docs/architecture.md, opened with ``` and its name: "package: word word …", continued on
// lines that begin with a space.
func docTable(t *testing.T, name string) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("docs/architecture.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(b), "\n```"+name+"\n")
	require.True(t, ok, "docs/architecture.md has no block of %s", name)
	block, _, ok := strings.Cut(rest, "\n```")
	require.True(t, ok)
	table := map[string][]string{}
	last := ""
	for line := range strings.Lines(block) {
		list := line
		if !strings.HasPrefix(line, " ") {
			last, list, ok = strings.Cut(line, ":")
			require.True(t, ok, line)
			require.NotContains(t, table, last)
			table[last] = nil
		}
		table[last] = append(table[last], strings.Fields(list)...)
	}
	return table
}

// TestArrowsPointDown holds the table itself to the rule: rooms import the root and internal packages, and of each other
// only mime. Of smtp only mailauth does: who checks messages must read their From as everybody else here does.
func TestArrowsPointDown(t *testing.T) {
	room := func(p string) string { return strings.Split(p, "/")[0] }
	mayUseMIME := []string{"imap", "maildir", "queue"}
	for pkg, imports := range docTable(t, "imports") {
		for _, im := range imports {
			switch from, to := room(pkg), room(im); {
			case pkg == ".":
				t.Errorf("the root package imports %s", im)
			case strings.Contains(to, "."), to == "internal", from == to: // "." is the root, a dot makes it foreign
			case to == "mime" && (slices.Contains(mayUseMIME, from) || pkg == "smtp/mailauth"):
			default:
				t.Errorf("%s imports %s", pkg, im)
			}
		}
	}
}

// TestTopLevel: the checkout's first page is a table of contents.
func TestTopLevel(t *testing.T) {
	out, err := exec.Command("git", "ls-files").Output()
	if err != nil {
		t.Skip("not a git checkout: ", err)
	}
	allowed := strings.Fields("auth mime smtp pop3 imap queue maildir internal examples docs go.mod go.sum README.md LICENSE Makefile")
	for line := range strings.Lines(string(out)) {
		top := strings.Split(strings.TrimSpace(line), "/")[0]
		if !slices.Contains(allowed, top) && !strings.HasPrefix(top, ".") && !strings.HasSuffix(top, ".go") {
			t.Errorf("%s does not belong at the top level", top)
		}
	}
}

// TestWeight: who imports one package compiles no more foreign modules than docs/architecture.md says.
func TestWeight(t *testing.T) {
	for pkg, want := range docTable(t, "modules") {
		out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./"+pkg).Output()
		require.NoError(t, err, pkg)
		got := strings.Fields(string(out))
		slices.Sort(got)
		slices.Sort(want)
		require.Equal(t, strings.Join(want, " "), strings.Join(slices.Compact(got), " "), pkg)
	}
}
