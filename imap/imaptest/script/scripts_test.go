//go:build unix

package script_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/imap/imaptest/script"
	"github.com/buuta/mail/maildir"
)

// play runs all scripts against a server.
func play(t *testing.T, srv *script.Server) {
	all, err := script.All()
	require.NoError(t, err)
	played := 0
	for _, s := range all {
		for _, c := range s.Cases {
			t.Run(s.Name+"/"+c.Title, func(t *testing.T) {
				err := script.Run(t.Context(), c, srv)
				if _, ok := errors.AsType[*script.Skipped](err); ok {
					t.Skip(err)
				}
				require.NoError(t, err, s.Name)
				played++
			})
		}
	}
	t.Logf("%s: %d cases of %d scripts", srv.Name, played, len(all))
	require.NotZero(t, played)
}

func ours(s *imaptest.Server) *script.Server {
	return &script.Server{Name: "buuta", User: imaptest.Username, Password: imaptest.Password,
		Dial: func(ctx context.Context) (net.Conn, error) { return s.Dial(ctx, "", "") }}
}

func TestMemory(t *testing.T) { play(t, ours(imaptest.NewServer(t))) }

func TestMaildir(t *testing.T) {
	s := imaptest.NewServer(t)
	s.Config.Store = &maildir.Store{Path: filepath.Join(t.TempDir(), "%u"), NoSync: true}
	play(t, ours(s))
}

// TestDovecot shows that the scripts ask for what is the protocol's, and not ours.
func TestDovecot(t *testing.T) {
	version, err := exec.Command("dovecot", "--version").Output()
	if err != nil || !bytes.HasPrefix(version, []byte("2.3.")) {
		t.Skip("needs Debian's dovecot-imapd, version 2.3")
	}
	// Not t.TempDir: its parents can't be entered by the user that Dovecot insists on when we are root.
	dir, err := os.MkdirTemp("", "dovecot")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 65534, 65534
	}
	require.NoError(t, os.WriteFile(dir+"/dovecot.conf", fmt.Appendf(nil, `base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
mail_location = maildir:%[1]s/mail
mail_home = %[1]s/home
mail_uid = %[2]d
mail_gid = %[3]d
first_valid_uid = 1
first_valid_gid = 0
ssl = no
namespace inbox {
  inbox = yes
  separator = /
}
`, dir, uid, gid), 0o644))
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chown(dir, uid, gid))
	play(t, &script.Server{Name: "dovecot", Dial: func(context.Context) (net.Conn, error) {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		mine, theirs := os.NewFile(uintptr(fds[0]), "client"), os.NewFile(uintptr(fds[1]), "server")
		defer mine.Close()
		defer theirs.Close()
		cmd := exec.Command("/usr/lib/dovecot/imap", "-c", dir+"/dovecot.conf")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "USER=alice", "HOME="+dir+"/home")
		cmd.Stdin, cmd.Stdout = theirs, theirs
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		t.Cleanup(func() { _ = cmd.Wait() })
		return net.FileConn(mine)
	}})
}
