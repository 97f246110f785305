package queuecmd

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/buuta/mail/examples/fullserver/internal/unixsocket"
)

// The running server does the commands itself: the program that the operator calls sends it the words and what is on its standard input, over
// a socket whose file only the server's user may open, and prints what comes back. What is written to standard error, and the
// exit status, follow the rest as trailers.
const (
	statusTrailer = "Exit-Status"
	errorsTrailer = "Standard-Error"
	argsHeader    = "Arguments"
	maxErrors     = 64 << 10
)

// SocketName is the control socket's name in the server's data_directory.
const SocketName = "control"

// Called is a command that came over the socket.
type Called struct {
	Name           string
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Handler serves commands on q.
func Handler(q Queue) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /command/{name}", Serve(func(ctx context.Context, c *Called) int {
		if !Known(c.Name) {
			return notKnown
		}
		return (&Env{Queue: q, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr}).Run(ctx, c.Name, c.Args)
	}))
	return mux
}

// notKnown is the status of a command that this version doesn't have.
const notKnown = -1

// Serve runs commands that come by [Call]; run returns their exit status.
func Serve(run func(ctx context.Context, c *Called) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &Called{Name: r.PathValue("name"), Stdin: r.Body, Stdout: w}
		if err := json.Unmarshal([]byte(r.Header.Get(argsHeader)), &c.Args); err != nil {
			http.Error(w, "no such command", http.StatusBadRequest)
			return
		}
		w.Header().Set("Trailer", statusTrailer+", "+errorsTrailer)
		w.Header().Set("Content-Type", "application/octet-stream")
		errs := &tail{}
		c.Stderr = errs
		status := run(r.Context(), c)
		if status == notKnown {
			http.Error(w, "no such command", http.StatusBadRequest)
			return
		}
		said, _ := json.Marshal(string(errs.b))
		w.Header().Set(errorsTrailer, string(said))
		w.Header().Set(statusTrailer, strconv.Itoa(status))
	}
}

// tail keeps what is written to it, up to maxErrors.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p[:min(len(p), maxErrors-len(t.b))]...)
	return len(p), nil
}

// ErrNotRunning says that no server listens on a control socket.
var ErrNotRunning = errors.New("no server is running")

// Call has the server whose control socket that is run a command, and returns its exit status.
func Call(ctx context.Context, socket, name string, args []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	client := clientOf(socket)
	said, err := json.Marshal(args)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://server/command/"+name, io.NopCloser(stdin)) // who calls keeps it, to do the command himself
	if err != nil {
		return 0, err
	}
	req.Header.Set(argsHeader, string(said))
	res, err := client.Do(req)
	if err != nil {
		return 0, why(socket, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, errors.New("the server does not know this command: it is of another version")
	}
	if _, err := io.Copy(stdout, res.Body); err != nil {
		return 0, err
	}
	var errs string
	status, err := strconv.Atoi(res.Trailer.Get(statusTrailer))
	if err != nil || json.Unmarshal([]byte(res.Trailer.Get(errorsTrailer)), &errs) != nil {
		return 0, errors.New("the server ended in the middle of its answer")
	}
	_, err = io.WriteString(stderr, errs)
	return status, err
}

// Listen makes a control socket, which only this process's user may open. One that a killed server has left is replaced.
func Listen(socket string) (net.Listener, error) {
	l, err := unixsocket.Listen(socket, 0o600)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errors.New(socket + ": a server is listening there already")
	}
	return l, err
}

// Reload has the server read its configuration again; what came of it is in the log.
func Reload(ctx context.Context, socket string) error {
	req, err := http.NewRequestWithContext(ctx, "POST", "http://server/reload", nil)
	if err != nil {
		return err
	}
	res, err := clientOf(socket).Do(req)
	if err != nil {
		return why(socket, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New("the server does not know this command: it is of another version")
	}
	return nil
}

// Usage is what each account of a domain keeps.
type Usage map[string]struct{ Storage, Messages int64 }

// UsageOf asks the server what the accounts of a domain keep.
func UsageOf(ctx context.Context, socket, domain string) (u Usage, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://server/usage/"+url.PathEscape(domain), nil)
	if err != nil {
		return nil, err
	}
	res, err := clientOf(socket).Do(req)
	if err != nil {
		return nil, why(socket, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errors.New("the server can't say what " + domain + " keeps; its log may tell why")
	}
	return u, json.NewDecoder(res.Body).Decode(&u)
}

func clientOf(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}}
}

// why says what an error of a call means.
func why(socket string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return ErrNotRunning
	case errors.Is(err, os.ErrPermission):
		return errors.New(filepath.Clean(socket) + " may be opened by the server's user and by root only")
	}
	return err
}
