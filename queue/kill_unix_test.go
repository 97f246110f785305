//go:build unix

package queue_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// child is set in the environment of a process that a test starts and kills: the folder that it works in.
const child = "QUEUE_TEST_CHILD"

const killSenders, killPlaces = 8, 5

// A process that is killed at any moment, under load, on the real file system, again and again: what was accepted is delivered,
// returned, or still queued, and a kill repeats no more than was under way.
func TestKill(t *testing.T) {
	if dir := os.Getenv(child); dir != "" {
		killChild(dir)
		return
	}
	dir, rnd := t.TempDir(), rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	rounds := 0
	for began := time.Now(); rounds < 6 || time.Since(began) < *soak; rounds++ {
		killOnce(t, dir, rounds, rnd.IntN(400))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "last"), nil, 0o600))
	killOnce(t, dir, rounds, -1)

	accepted, delivered, returned := told(t, filepath.Join(dir, "log"))
	require.NotEmpty(t, accepted)
	require.NotEmpty(t, returned)
	doubled := 0
	for key := range accepted {
		if strings.Contains(key, ">unknown") {
			require.NotZero(t, returned[key], "%s is not returned", key)
			require.Zero(t, delivered[key])
			continue
		}
		require.NotZero(t, delivered[key], "%s is lost; left in the queue: %v", key, left(dir))
		require.Zero(t, returned[key])
	}
	for _, n := range delivered {
		doubled += n - 1
	}
	for _, n := range returned {
		doubled += n - 1
	}
	require.LessOrEqual(t, doubled, rounds*killPlaces, "more was repeated than was under way")
	t.Logf("killed %d times: %d accepted, %d delivered, %d returned, %d of these twice", rounds, len(accepted), len(delivered), len(returned), doubled)
	for _, st := range []string{"incoming", "active", "deferred", "hold", "corrupt"} {
		left, err := os.ReadDir(filepath.Join(dir, "spool", st))
		require.NoError(t, err)
		require.Empty(t, left, st)
	}
}

// left are the files of the queue.
func left(dir string) (names []string) {
	for _, st := range []string{"incoming", "active", "deferred", "hold", "corrupt"} {
		files, _ := filepath.Glob(filepath.Join(dir, "spool", st, "*"))
		names = append(names, files...)
	}
	return names
}

// killOnce starts a process and kills it after so many lines of its log; below zero it ends by itself.
func killOnce(t *testing.T, dir string, round, lines int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKill$", "-test.count", "1")
	cmd.Env = append(os.Environ(), child+"="+dir, fmt.Sprint("QUEUE_TEST_ROUND=", round))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	alive, err := cmd.StdinPipe() // its end is the child's as well
	require.NoError(t, err)
	defer alive.Close()
	require.NoError(t, cmd.Start())
	in := bufio.NewReader(out)
	for n := 0; lines < 0 || n < lines; n++ {
		if _, err := in.ReadString('\n'); err != nil {
			break
		}
	}
	if lines >= 0 {
		require.NoError(t, cmd.Process.Kill())
		_, _ = io.Copy(io.Discard, in)
		require.Error(t, cmd.Wait())
		return
	}
	require.NoError(t, cmd.Wait())
}

// told reads what the processes have noted of what happened.
func told(t *testing.T, name string) (accepted, delivered, returned map[string]int) {
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	sets := map[string]map[string]int{"accepted": {}, "delivered": {}, "returned": {}}
	for line := range strings.Lines(string(b)) {
		what, key, _ := strings.Cut(strings.TrimSpace(line), " ")
		if sets[what] != nil {
			sets[what][key]++
		}
	}
	return sets["accepted"], sets["delivered"], sets["returned"]
}

// killChild queues and delivers until it is killed or, in the last round, until the queue is empty. Each line of its log is
// one write, which outlives the process.
func killChild(dir string) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	note := func(what, key string) {
		line := what + " " + key + "\n"
		if _, err := io.WriteString(log, line); err != nil {
			panic(err)
		}
		_, _ = io.WriteString(os.Stdout, line) // the clock by which it is killed
	}
	world := mail.DelivererFunc(func(_ context.Context, e *mail.Envelope, r io.Reader) error {
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if e.From == "" {
			for _, group := range strings.Split(string(b), "\r\n\r\n") {
				if _, rcpt, ok := strings.Cut(group, "Final-Recipient: rfc822; "); ok {
					rcpt, _, _ = strings.Cut(rcpt, "\r\n")
					note("returned", e.Recipients[0].Address+">"+rcpt)
				}
			}
			return nil
		}
		to := e.Recipients[0].Address
		if strings.HasPrefix(to, "unknown") {
			return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "No such user")
		}
		if strings.HasPrefix(to, "later") && rand.IntN(2) == 0 {
			return mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "Later")
		}
		note("delivered", e.From+">"+to)
		return nil
	})
	q := &queue.Queue{
		Dir:     filepath.Join(dir, "spool"),
		Backoff: queue.Backoff{Minimal: time.Millisecond, Maximal: 20 * time.Millisecond},
		Transports: map[string]*queue.Transport{"smtp": {
			Deliverer: func(string) mail.Deliverer { return world }, RecipientLimit: 1, ProcessLimit: killPlaces,
		}},
	}
	if round := os.Getenv("QUEUE_TEST_ROUND"); round != "" && round[len(round)-1]%3 > 0 { // what one has left the next finds, with a log or without
		q.Storage = &queue.Spool{Dir: q.Dir, MaxDelay: time.Second, Log: true}
	}
	if err := q.Start(); err != nil {
		panic(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "last")); err == nil {
		// A list is no snapshot: a message that goes from one folder to another meanwhile may be in neither when they are read.
		for empty := 0; empty < 10; empty++ {
			for range q.List(context.Background(), queue.Filter{}) {
				empty = -1
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err := q.Shutdown(context.Background()); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	var seq atomic.Int64
	for range killSenders {
		go func() {
			for {
				n := seq.Add(1)
				from := fmt.Sprintf("r%s-%d@example.org", os.Getenv("QUEUE_TEST_ROUND"), n)
				env := &mail.Envelope{From: from}
				for i, user := range []string{"user", "unknown", "later"}[:1+n%3] {
					env.Recipients = append(env.Recipients, mail.Recipient{Address: fmt.Sprintf("%s@d%d.example", user, (n+int64(i))%7)})
				}
				if _, err := sendEnvelope(q, env, letter+strings.Repeat("x\r\n", int(n%2000))); err != nil {
					panic(err)
				}
				for _, r := range env.Recipients {
					note("accepted", from+">"+r.Address)
				}
			}
		}()
	}
	select {}
}
