package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Thunderbird is Debian's Thunderbird without a screen, driven by Mozilla's protocol for that, Marionette: scripts run where its own code runs.
type Thunderbird struct {
	t    TB
	conn net.Conn
	r    *bufio.Reader
	n    int
}

const patience = 3 * time.Minute // for a thing that it does

// quiet are preferences by which it asks nobody anything, neither the person before it nor its makers; Marionette takes a free port.
const quiet = `
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,");
user_pref("marionette.port", 0);
`

// StartThunderbird starts it with the preferences given as lines of user.js, and ends it with the test.
func StartThunderbird(t TB, prefs string) *Thunderbird {
	t.Helper()
	const path = "/usr/lib/thunderbird/thunderbird"
	if _, err := os.Stat(path); err != nil {
		lack(t, "needs Debian's thunderbird")
	}
	home, err := os.MkdirTemp("", "thunderbird")
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	profile := filepath.Join(home, "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		t.Fatalf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(prefs+quiet), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	var said bytes.Buffer
	cmd := exec.Command(path, "-headless", "-no-remote", "-marionette", "-remote-allow-system-access", "-profile", profile)
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH"), "MOZ_CRASHREPORTER_DISABLE=1"}
	cmd.Stdout, cmd.Stderr = &said, &said // so that Wait waits for its children, too, before what they write into is removed
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v", err)
	}
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
	for begin := time.Now(); len(port) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 2*patience {
			t.Fatalf("Thunderbird doesn't listen")
		}
		port, _ = os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
	}
	c, err := net.Dial("tcp", "127.0.0.1:"+strings.TrimSpace(string(port)))
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	m := &Thunderbird{t, c, bufio.NewReader(c), 0}
	if _, err = m.read(); err != nil {
		t.Fatalf("%v", err)
	}
	m.command("WebDriver:NewSession", map[string]any{})
	m.command("Marionette:SetContext", map[string]any{"value": "chrome"})
	m.command("WebDriver:SetTimeouts", map[string]any{"script": patience.Milliseconds()})
	return m
}

// read reads a packet: its length in decimal digits, a colon, JSON.
func (m *Thunderbird) read() (json.RawMessage, error) {
	_ = m.conn.SetReadDeadline(time.Now().Add(2 * patience))
	n := 0
	if _, err := fmt.Fscanf(m.r, "%d:", &n); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(m.r, b)
	return b, err
}

// command sends one, [0, number, name, parameters], and returns the result of its answer, [1, number, error, result].
func (m *Thunderbird) command(name string, parameters any) json.RawMessage {
	m.t.Helper()
	m.n++
	b, err := json.Marshal([]any{0, m.n, name, parameters})
	if err == nil {
		_, err = fmt.Fprintf(m.conn, "%d:%s", len(b), b)
	}
	var answer [4]json.RawMessage
	if err == nil {
		if b, err = m.read(); err == nil {
			err = json.Unmarshal(b, &answer)
		}
	}
	if err != nil || string(answer[2]) != "null" {
		m.t.Fatalf("%s: %s %v", name, answer[2], err)
	}
	return answer[3]
}

// Run runs the body of an asynchronous function, and returns what it returns.
func (m *Thunderbird) Run(script string, args ...any) any {
	m.t.Helper()
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
	if err := json.Unmarshal(raw, &out); err != nil {
		m.t.Fatalf("%v", err)
	}
	if out.Value.Error != "" {
		m.t.Fatalf("%s: %s", out.Value.Error, script)
	}
	return out.Value.Value
}
