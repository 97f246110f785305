package queuecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/buuta/mail/internal/vfs"
)

// Run runs a command for the server that dataDir and queueDir are those of: by the server where it runs, else on the queue as it lies there.
// It returns the exit status.
func Run(ctx context.Context, dataDir, queueDir, name string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	status, err := Call(ctx, filepath.Join(dataDir, SocketName), name, args, stdin, stdout, stderr)
	if err == nil {
		return status
	}
	if !errors.Is(err, ErrNotRunning) {
		fmt.Fprintf(stderr, "%s: fatal: %v\n", name, err)
		return exitUnavailable
	}
	q, err := OpenStopped(queueDir)
	if err != nil {
		if errors.Is(err, vfs.ErrLocked) {
			err = errors.New("a server works on " + queueDir + " that does not listen on " + filepath.Join(dataDir, SocketName) + ": are data_directory and queue_directory those that it was started with?")
		}
		fmt.Fprintf(stderr, "%s: fatal: %v\n", name, err)
		return exitUnavailable
	}
	defer q.Close()
	return (&Env{Queue: q, Stdin: stdin, Stdout: stdout, Stderr: stderr}).Run(ctx, name, args)
}
