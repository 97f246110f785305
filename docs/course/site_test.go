//go:build unix

package course_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/demo"
)

// limit is how long anything may take that a lesson waits for.
const limit = time.Minute

// ports are those that lessons name. A test has others, so that nothing that runs on the machine is in the way.
var ports = []string{"2525", "2587", "1143", "1110", "1109", "2424", "8025", "2526", "8026", "2465", "1993"}

var portName = regexp.MustCompile(`\b(` + strings.Join(ports, "|") + `)\b`)

// site is what a student has in front of him: a folder, programs that run, what they have shown.
type site struct {
	t       *testing.T
	dir     string
	bin     string            // the folder of the programs
	real    map[string]string // ports, by the names that they have in the lesson
	named   map[string]string // the other way
	vars    map[string]string
	running map[string]*program
}

var bin = flag.String("bin", "", "folder with the programs that lessons run, where they needn't be built")

var built string

// build makes the programs that lessons run, once.
var build = sync.OnceValues(func() (string, error) {
	if *bin != "" {
		return *bin, nil
	}
	dir, err := os.MkdirTemp("", "course")
	if err != nil {
		return "", err
	}
	built = dir
	out, err := exec.Command("go", "build", "-o", dir+"/", "../../examples/fullserver", "../../examples/testserver", "../../examples/sendmail").CombinedOutput()
	if err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(status)
}

// newSite makes the folder that the demo makes at its first start, with ports of the test's own in its main.cf.
func newSite(t *testing.T) *site {
	bin, err := build()
	require.NoError(t, err)
	s := &site{t: t, dir: t.TempDir(), bin: bin, real: map[string]string{}, named: map[string]string{}, vars: map[string]string{}, running: map[string]*program{}}
	// Outside of what systems give to clients, so that none of those is in the way, and as long as those of the lesson, for tables' sake.
	for _, name := range ports {
		for s.real[name] == "" {
			port := strconv.Itoa(3000 + rand.IntN(7000))
			l, err := net.Listen("tcp", "127.0.0.1:"+port)
			if err == nil && s.named[port] == "" {
				s.real[name], s.named[port] = port, name
			}
			if err == nil {
				require.NoError(t, l.Close())
			}
		}
	}
	examples, err := filepath.Abs("../../examples")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(examples, filepath.Join(s.dir, "examples")))
	d, err := demo.Setup(filepath.Join(s.dir, demo.Dir))
	require.NoError(t, err)
	cf, err := os.ReadFile(d.MainCF)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(d.MainCF, []byte(s.portsIn(string(cf))), 0o600))
	s.vars["password"], s.vars["bobpassword"] = d.Passwords["alice@example.test"], d.Passwords["bob@example.test"]
	s.vars["dir"] = d.Dir
	t.Cleanup(func() {
		for name := range s.running {
			s.stop(name)
		}
	})
	return s
}

// portsIn replaces the ports of a lesson by those that are the test's.
func (s *site) portsIn(text string) string {
	return portName.ReplaceAllStringFunc(text, func(name string) string { return s.real[name] })
}

var address = regexp.MustCompile(`(127\.0\.0\.1\]?:| SRV \d+ 1 )(\d+)`)

// portsOut does the same the other way, in addresses and records.
func (s *site) portsOut(text string) string {
	return address.ReplaceAllStringFunc(text, func(found string) string {
		m := address.FindStringSubmatch(found)
		if name := s.named[m[2]]; name != "" {
			return m[1] + name
		}
		return found
	})
}

var goRun = regexp.MustCompile(`go run \./examples/(\w+)`)

// shell is a command of a lesson as the test runs it.
func (s *site) shell(command string) *exec.Cmd {
	command = goRun.ReplaceAllString(s.portsIn(expand(command, s.vars)), s.bin+"/$1")
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	return cmd
}

// play plays a block.
func (s *site) play(b *block) error {
	switch b.kind {
	case "console":
		return s.console(b)
	case "log":
		return s.log(b)
	}
	return s.talk(b)
}
