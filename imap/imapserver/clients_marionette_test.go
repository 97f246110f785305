package imapserver_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// marionette drives Thunderbird by Mozilla's protocol for that: scripts that run where its own code runs.
type marionette struct {
	*testing.T
	net.Conn
	r *bufio.Reader
	n int
}

// startThunderbird starts it without a screen, with the preferences given as lines of user.js, and ends it with the test.
func startThunderbird(t *testing.T, prefs string) *marionette {
	t.Helper()
	path := program(t, "/usr/lib/thunderbird/thunderbird")
	home := t.TempDir()
	profile := filepath.Join(home, "profile")
	require.NoError(t, os.Mkdir(profile, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(profile, "user.js"), []byte(prefs+`user_pref("marionette.port", 0);`+"\n"), 0o600))
	var said bytes.Buffer
	cmd := exec.Command(path, "-headless", "-no-remote", "-marionette", "-remote-allow-system-access", "-profile", profile)
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH"), "MOZ_CRASHREPORTER_DISABLE=1"}
	cmd.Stdout, cmd.Stderr = &said, &said // so that Wait waits for its children, too, before what they write into is removed
	cmd.WaitDelay = waitLong
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("Thunderbird: %s", said.String())
		}
	})
	var port []byte
	require.Eventually(t, func() bool {
		var err error
		port, err = os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
		return err == nil && len(port) > 0
	}, waitLong, 10*waitShort)
	c, err := net.Dial("tcp", "127.0.0.1:"+strings.TrimSpace(string(port)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	m := &marionette{t, c, bufio.NewReader(c), 0}
	_, err = m.read()
	require.NoError(t, err)
	m.command("WebDriver:NewSession", map[string]any{})
	m.command("Marionette:SetContext", map[string]any{"value": "chrome"})
	m.command("WebDriver:SetTimeouts", map[string]any{"script": waitLong.Milliseconds()})
	return m
}

// read reads a packet: its length in decimal digits, a colon, JSON.
func (m *marionette) read() (json.RawMessage, error) {
	_ = m.SetReadDeadline(time.Now().Add(2 * waitLong))
	n := 0
	if _, err := fmt.Fscanf(m.r, "%d:", &n); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(m.r, b)
	return b, err
}

// command sends one, [0, number, name, parameters], and returns the result of its answer, [1, number, error, result].
func (m *marionette) command(name string, parameters any) json.RawMessage {
	m.Helper()
	m.n++
	b, err := json.Marshal([]any{0, m.n, name, parameters})
	require.NoError(m, err)
	_, err = fmt.Fprintf(m, "%d:%s", len(b), b)
	require.NoError(m, err)
	b, err = m.read()
	require.NoError(m, err)
	var answer [4]json.RawMessage
	require.NoError(m, json.Unmarshal(b, &answer))
	require.Equal(m, "null", string(answer[2]), "%s", answer[2])
	return answer[3]
}

// run runs the body of an asynchronous function, and returns what it returns.
func (m *marionette) run(script string, args ...any) any {
	m.Helper()
	if args == nil {
		args = []any{}
	}
	raw := m.command("WebDriver:ExecuteAsyncScript", map[string]any{"args": args, "script": `
const [...given] = arguments, done = given.pop();
(async (...args) => {` + script + `})(...given).then(value => done({value}), e => done({error: e + "\n" + e.stack}));`})
	var out struct {
		Value struct {
			Value any
			Error string
		}
	}
	require.NoError(m, json.Unmarshal(raw, &out))
	if out.Value.Error != "" {
		require.NoError(m, errors.New(out.Value.Error), "%s", script)
	}
	return out.Value.Value
}
