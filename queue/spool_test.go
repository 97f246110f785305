package queue_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/queue/queuetest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestSpool runs the contract on the real file system and on the one in memory.
func TestSpool(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) *queue.Spool{
		"os":     func(t *testing.T) *queue.Spool { return &queue.Spool{Dir: t.TempDir()} },
		"longid": func(t *testing.T) *queue.Spool { return &queue.Spool{Dir: "/spool", FS: vfs.NewCrash(), LongIDs: true} },
		"memory": func(t *testing.T) *queue.Spool { return &queue.Spool{Dir: "/spool", FS: vfs.NewCrash()} },
		"log":    func(t *testing.T) *queue.Spool { return &queue.Spool{Dir: t.TempDir(), Log: true} },
		"logged in memory": func(t *testing.T) *queue.Spool {
			return &queue.Spool{Dir: "/spool", FS: vfs.NewCrash(), Log: true, LongIDs: true, Hints: 3}
		},
		"small log": func(t *testing.T) *queue.Spool {
			return &queue.Spool{Dir: "/spool", FS: vfs.NewCrash(), Log: true, Fresh: 3000}
		},
		"fewhints": func(t *testing.T) *queue.Spool {
			return &queue.Spool{Dir: "/spool", FS: vfs.NewCrash(), Hints: 3}
		},
	} {
		t.Run(name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T) queuetest.Opened {
				aside := 0
				s := make(t)
				s.SetAside = func(string, error) { aside++ }
				return queuetest.Opened{
					Storage: s,
					Reopen: func(t *testing.T) queue.Storage {
						require.NoError(t, s.Close())
						s = &queue.Spool{Dir: s.Dir, FS: s.FS, LongIDs: s.LongIDs, Hints: s.Hints, Log: s.Log, Fresh: s.Fresh, SetAside: s.SetAside}
						return s
					},
					Damage: func(t *testing.T, id string) {
						fsys := s.FS
						if fsys == nil {
							fsys = vfs.OS{}
						}
						if s.Log { // what an operator has laid hands on has a file
							for _, op := range []queue.Op{queue.OpHold, queue.OpRelease} {
								_, err := s.Edit(t.Context(), queue.Filter{IDs: []string{id}}, op)
								require.NoError(t, err)
							}
						}
						f, err := fsys.OpenFile(filepath.Join(s.Dir, "incoming", id), os.O_RDWR, 0)
						require.NoError(t, err)
						info, err := f.Stat()
						require.NoError(t, err)
						_, err = f.WriteAt([]byte("X"), info.Size()-3)
						require.NoError(t, err)
						require.NoError(t, f.Close())
					},
					Damaged: func(*testing.T) int { return aside },
				}
			})
		})
	}
}

var soak = flag.Duration("soak", 0, "how long TestKill goes on, and whether TestMillion runs")

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		flag.Set("rapid.checks", "30") // on a real disk each takes its time
	}
	goleak.VerifyTestMain(m)
}
