package idle

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// serveEnv tells a test's program that it is the server, and with which arguments.
const serveEnv = "BUUTA_IDLE_SERVER"

// Server is a server in a process of its own.
type Server struct {
	Addr string
	PID  int
	cmd  *exec.Cmd
}

// Serve is called by TestMain: in a process that [Start] has started it runs the server, which Start's arguments describe, until the test
// ends, and reports true.
func Serve(run func(l net.Listener, args []string) error) (served bool) {
	args := os.Getenv(serveEnv)
	if args == "" {
		return false
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		fmt.Println(l.Addr())
		err = run(l, strings.Split(args, "\n"))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
	return true
}

// Start runs this test's program again, whose TestMain calls [Serve], with the given arguments: one at least.
func Start(t *testing.T, args ...string) *Server {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), serveEnv+"="+strings.Join(args, "\n"))
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	s := &Server{PID: cmd.Process.Pid, cmd: cmd}
	t.Cleanup(func() {
		stdin.Close()
		s.Kill()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "the server's process has ended")
	s.Addr = strings.TrimSpace(line)
	return s
}

// Kill ends the server as a power cut would its process: at once.
func (s *Server) Kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}
