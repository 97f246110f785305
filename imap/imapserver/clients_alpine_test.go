package imapserver_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// typist runs a program on a terminal and types what it is asked for: after each prompt, a regular expression, in turn, its answer. Programs throw away what
// is typed while they draw, so that it waits until they are silent, and types again what nothing has come of.
const typist = `
import json, os, pty, re, select, sys
prompts, program = json.loads(sys.argv[1]), sys.argv[2:]
pid, tty = pty.fork()
if pid == 0:
    os.execvp(program[0], program)
seen, start, answer, tries = b"", 0, b"", 0
while True:
    if select.select([tty], [], [], 5 if answer else 0.2)[0]:
        try:
            now = os.read(tty, 4096)
        except OSError:
            break # it has ended
        if not now:
            break
        seen, answer, tries = seen + now, b"", 0
        continue
    if not answer and prompts:
        if re.search(prompts[0].encode(), seen[start:]):
            start = len(seen)
            answer, prompts = prompts[1].encode(), prompts[2:]
    tries += 1
    if tries > 100:
        sys.exit("nothing more from %r" % seen)
    os.write(tty, answer)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(("never asked for %r, %d in %r" % (prompts, code, seen)) if prompts or code else 0)
`

// alpine shows a message, flags one, moves one to another mailbox, which it makes, deletes one and expunges.
func TestAlpine(t *testing.T) {
	alpine := program(t, "alpine")
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: one\nFrom: a@example.test\n\nfirst text\n", "Subject: two\nFrom: b@example.test\n\n2\n", "Subject: three\nFrom: c@example.test\n\n3\n")
	dir := t.TempDir()
	rc := filepath.Join(dir, "pinerc")
	require.NoError(t, os.WriteFile(rc, fmt.Appendf(nil, `personal-name=Alice
user-domain=example.test
inbox-path={%[1]s/notls/user=alice}INBOX
folder-collections=Mail {%[1]s/notls/user=alice}[]
last-version-used=7.99
busy-cue-rate=0
feature-list=enable-flag-cmd,quit-without-confirm,expunge-without-confirm,expunge-without-confirm-everywhere,disable-password-file-saving,disable-password-caching
`, f.addr), 0o600))
	// Of what its last line says only a part comes when the machine is slow, so that the first tells where it is.
	prompts, err := json.Marshal([]string{
		"PASSWORD:", "secret\r",
		"Message 1 of 3", "1\r>",
		"first text", "i**",
		"Important", "3\rs",
		"saved-messages", "Kept\r",
		"Create", "y",
		"DEL", "2\rd",
		"Message 2 (of 3 DEL|marked)", "x",
		"Message 1 of 1", "q",
	})
	require.NoError(t, err)
	runProgram(t, "/usr/bin/env", "TERM=linux", "HOME="+dir, "LANG=C", program(t, "python3"), "-c", typist, string(prompts), alpine, "-p", rc, "-i")
	require.Equal(t, []string{`one \Seen \Flagged`}, f.subjects("alice", "INBOX"))
	require.Equal(t, []string{"three"}, f.subjects("alice", "Kept"))
}
