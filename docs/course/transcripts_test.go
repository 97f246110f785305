package course_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// transcript is a line of what a client and a server say, or the command that such a talk begins with.
var transcript = regexp.MustCompile(`^\s*(S: |C: |[CS] → |220[ -]|250[ -]|354 |\+OK|-ERR|\* (OK|BYE|\d+ EXISTS)|[a-z]\d* (LOGIN|SELECT|OK|NO|BAD) |(\$ )?telnet |(\$ )?openssl s_client)`)

// Transcripts stand in the lessons, where they are played, and in no other text of the project.
func TestTranscriptsArePlayed(t *testing.T) {
	for line, is := range map[string]bool{"    S: 250 ok": true, "telnet localhost 25": true, "$ telnet localhost 25": true, "a1 LOGIN an x": true, "+OK ready": true,
		"* 3 EXISTS": true, "* one of a list": false, "A list NO server": false, "C++ is none": false} {
		require.Equal(t, is, transcript.MatchString(line), line)
	}
	n := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (path == "../../docs/course" || strings.HasPrefix(d.Name(), ".") && path != "../..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		n++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if transcript.MatchString(line) {
				t.Errorf("%s:%d: nothing plays this: show it in a lesson, or as a picture that a test draws: %s", path, i+1, line)
			}
		}
		return nil
	}))
	require.Greater(t, n, 100)
}
