package dkim_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/internal/pypeer"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

// expected is what a peer has to say of a case: whether the signature verifies, "any" where it doesn't matter.
func (c *verify) expected(t *testing.T, peer string) string {
	want := "fail"
	if c.want == pass {
		want = "pass"
	}
	if peer == "" {
		return want
	}
	require.NotEqual(t, want, peer, c.clause)
	require.NotEmpty(t, c.why, c.clause)
	return peer
}

// Debian's python3-dkim lets the same signatures pass, but for the cases that say why not.
func TestLikeDkimpy(t *testing.T) {
	ring := keyring(t)
	var messages []string
	var zone strings.Builder
	list := tables()
	for i := range list {
		message, records := list[i].build(t, ring, i)
		messages = append(messages, message)
		zone.WriteString(records)
	}
	server, err := nameserver.Start(mailauthtest.MustParse(zone.String()))
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(server.Addr)
	peer := pypeer.Start(t, "python3-dkim, python3-nacl and python3-dnspython", "testdata/dkimpy.py", port)
	differ := 0
	for i, c := range list {
		var a struct{ Result, Text string }
		peer.Ask(map[string][]byte{"Message": []byte(messages[i])}, &a)
		want := c.expected(t, c.dkimpy)
		if c.dkimpy != "" {
			differ++
		}
		if a.Result != want && want != "any" {
			t.Errorf("%s: dkimpy says %s %s\n%s", c.clause, a.Result, a.Text, messages[i])
		}
	}
	t.Logf("%d cases, of which %d differ", len(list), differ)
}

// passed finds the selectors, which end in the number of the case, of what passed.
var passed = regexp.MustCompile(`\tdkim=pass .*header\.s=s([0-9]+) `)

// opendkim lets OpenDKIM verify messages and tells which pass.
func opendkim(t *testing.T, zone string, messages []string) map[int]bool {
	program := "/usr/sbin/opendkim"
	if dir := pypeer.Dir(); dir != "" {
		program = dir + program
	}
	if _, err := os.Stat(program); err != nil {
		pypeer.Lack(t, "needs Debian's opendkim: run .ci/peers")
	}
	dir := t.TempDir()
	write := func(name, content string) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		return name
	}
	var data strings.Builder
	for line := range strings.Lines(zone) {
		if name, text, ok := strings.Cut(line, " TXT "); ok {
			data.WriteString(name + " " + text)
		}
	}
	conf := write("conf", "Mode v\nTestDNSData file:"+write("dns", data.String())+"\n")
	var files []string
	for i, m := range messages {
		files = append(files, write(fmt.Sprintf("m%d", i), m))
	}
	list := map[int]bool{}
	for at := 0; at < len(files); { // it ends at a message that it refuses
		cmd := exec.Command(program, "-x", conf, "-vv", "-t", strings.Join(files[at:], ","))
		cmd.Env = pypeer.Environ()
		var out, log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &log
		cmd.Run() // its status is that of the last message
		for _, m := range passed.FindAllSubmatch(out.Bytes(), -1) {
			i, err := strconv.Atoi(string(m[1]))
			require.NoError(t, err)
			list[i] = true
		}
		next := at
		for i := at; i < len(files); i++ {
			if bytes.Contains(log.Bytes(), []byte(files[i]+": ")) {
				next = i + 1
			}
		}
		require.Greater(t, next, at, log.String())
		at = next
	}
	return list
}

// Debian's OpenDKIM lets the same signatures pass, but for the cases that say why not.
func TestLikeOpenDKIM(t *testing.T) {
	ring := keyring(t)
	var messages []string
	var zone strings.Builder
	list := tables()
	for i := range list {
		message, records := list[i].build(t, ring, i)
		messages = append(messages, message)
		zone.WriteString(records)
	}
	differ := 0
	ok := opendkim(t, zone.String(), messages)
	for i, c := range list {
		got := "fail"
		if ok[i] {
			got = "pass"
		}
		want := c.expected(t, c.opendkim)
		if c.opendkim != "" {
			differ++
		}
		if got != want && want != "any" {
			t.Errorf("%s: OpenDKIM says %s\n%s", c.clause, got, messages[i])
		}
	}
	t.Logf("%d cases, of which %d differ", len(list), differ)
}
