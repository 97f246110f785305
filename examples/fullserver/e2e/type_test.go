package e2e

import (
	"bytes"
	"io"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// typeInto runs a program and types lines into it, each after one more match of answer has been printed. It returns all that
// was printed when the program has ended.
func typeInto(t *testing.T, answer *regexp.Regexp, lines []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	screen := &screen{}
	cmd.Stdout, cmd.Stderr = screen, screen
	require.NoError(t, cmd.Start())
	for i, line := range lines {
		eventually(t, time.Minute, func() error {
			if n := len(answer.FindAllString(screen.String(), -1)); n <= i {
				return &waitError{screen.String(), i + 1}
			}
			return nil
		})
		_, err := io.WriteString(in, line+"\n")
		require.NoError(t, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended: // telnet's status says nothing: it is 1 when the server hung up
	case <-time.After(20 * time.Second):
		cmd.Process.Kill()
		t.Fatalf("%s did not end:\n%s", name, screen)
	}
	return screen.String()
}

// screen is what a program has printed so far.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

type waitError struct {
	screen string
	want   int
}

func (e *waitError) Error() string { return "waiting for the next answer after:\n" + e.screen }
