//go:build unix

package course_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// lessons are the English files, in order.
func lessons(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("[0-9][0-9]-*.md")
	require.NoError(t, err)
	var out []string
	for _, file := range all {
		if !strings.HasSuffix(file, ".vi.md") {
			out = append(out, file)
		}
	}
	return out
}

func vietnamese(file string) string { return strings.TrimSuffix(file, ".md") + ".vi.md" }

// need skips, or fails where CI has to have a program.
func need(t *testing.T, programs ...string) {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing, and CI has to have it", program)
			}
			t.Skipf("%s is not installed", program)
		}
	}
}

// TestLessons plays each lesson from its first line to its last against the server that it tells to start.
func TestLessons(t *testing.T) {
	need(t, "sh", "curl", "openssl", "grep", "base64")
	for _, file := range lessons(t) {
		t.Run(file, func(t *testing.T) {
			l := readLesson(t, file)
			require.NotEmpty(t, l.blocks, "a lesson has something to type")
			s := newSite(t)
			for _, b := range l.blocks {
				require.NoError(t, s.play(b))
			}
		})
	}
}

// Both languages show the same transcripts, name the same samples and have the same pictures.
func TestSameInBothLanguages(t *testing.T) {
	picture := regexp.MustCompile(`pictures/([\w-]+?)(\.vi)?\.svg`)
	for _, file := range lessons(t) {
		en, vi := readLesson(t, file), readLesson(t, vietnamese(file))
		require.Equal(t, en.samples, vi.samples, file)
		require.Equal(t, len(en.blocks), len(vi.blocks), file)
		for i, b := range en.blocks {
			require.Equal(t, append([]string{b.kind}, b.flags...), append([]string{vi.blocks[i].kind}, vi.blocks[i].flags...), vi.blocks[i].at(0))
			require.Equal(t, b.lines, vi.blocks[i].lines, vi.blocks[i].at(0))
		}
		var pictures [2][]string
		for i, l := range []*lesson{en, vi} {
			for _, m := range picture.FindAllStringSubmatch(l.text, -1) {
				require.Equal(t, i == 1, m[2] == ".vi", "%s shows a picture of the other language: %s", l.file, m[0])
				pictures[i] = append(pictures[i], m[1])
			}
		}
		require.NotEmpty(t, pictures[0], "%s has no picture", file)
		require.Equal(t, pictures[0], pictures[1], file)
	}
}

// Each lesson says what it is for, what is needed, and has exercises with answers; the index lists it.
func TestParts(t *testing.T) {
	for i, words := range [][]string{
		{"**Goal.**", "**You need.**", "## Exercises", "<details><summary>Answers</summary>"},
		{"**Mục tiêu.**", "**Chuẩn bị.**", "## Bài tập", "<details><summary>Đáp án</summary>"},
	} {
		index, err := os.ReadFile([]string{"README.md", "README.vi.md"}[i])
		require.NoError(t, err)
		for _, file := range lessons(t) {
			if i == 1 {
				file = vietnamese(file)
			}
			l := readLesson(t, file)
			for _, word := range words {
				require.Contains(t, l.text, word, file)
			}
			require.Contains(t, string(index), "]("+file+")")
		}
	}
}

// Links of the course and of the guides lead to files that are there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	var files []string
	for _, dir := range []string{".", "../guides"} {
		found, err := filepath.Glob(dir + "/*.md")
		require.NoError(t, err)
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(filepath.Dir(file), m[1]))
			require.NoError(t, err, "%s: %s", file, m[1])
		}
	}
}
