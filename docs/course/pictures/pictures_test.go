package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The pictures that are there are those that the sources give, and each source has its pictures.
func TestPicturesAreTheSources(t *testing.T) {
	sources, err := filepath.Glob("*.pic")
	require.NoError(t, err)
	require.NotEmpty(t, sources)
	want := map[string]bool{}
	for _, file := range sources {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for lang, suffix := range []string{".svg", ".vi.svg"} {
			name := strings.TrimSuffix(file, ".pic") + suffix
			want[name] = true
			svg, err := render(string(source), lang)
			require.NoError(t, err, file)
			there, err := os.ReadFile(name)
			require.NoError(t, err)
			require.Equal(t, svg, string(there), "%s is not what %s gives: go run ./docs/course/pictures", name, file)
			for d := xml.NewDecoder(strings.NewReader(svg)); ; {
				if _, err = d.Token(); err != nil {
					break
				}
			}
			require.ErrorIs(t, err, io.EOF, name)
		}
	}
	there, err := filepath.Glob("*.svg")
	require.NoError(t, err)
	for _, name := range there {
		require.True(t, want[name], "%s has no source", name)
	}
}

// What has been mistyped is named with its line, and no picture comes of it.
func TestBadSources(t *testing.T) {
	const head = "size 10 10\ntitle | a\ndesc | b\n"
	for source, want := range map[string]string{
		"":                              "has a size",
		"size 10 10\ntitle | a":         "has a size",
		head + "circle 1 2 3":           "line 4: \"circle 1 2 3\" is no line",
		head + "box 1 2 3":              "line 4",
		head + "box 1 2 3 x | a":        "\"x\" is no number",
		head + "box 1 2 3 4 red":        "box has no \"red\"",
		head + "text 1 2 | a | b | c":   "line 4",
		head + "\n# note\n| a":          "line 6: a line begins with a word",
		head + "arrow 1 2 3 4 left | x": "arrow has no \"left\"",
	} {
		_, err := render(source, 0)
		require.ErrorContains(t, err, want, source)
	}
	svg, err := render(head+"box 0 0 5 5 | <a> & b | c / d", 1)
	require.NoError(t, err)
	require.Contains(t, svg, ">c</text>")
	svg, err = render(head+"box 0 0 5 5 | <a> & b | c / d", 0)
	require.NoError(t, err)
	require.Contains(t, svg, "&lt;a&gt; &amp; b")
}
