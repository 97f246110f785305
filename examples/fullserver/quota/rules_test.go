package quota_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/stretchr/testify/require"
)

// down is users whom nobody can ask about.
type down struct{ accounts.File }

func (down) Lookup(context.Context, string) (*accounts.User, error) { return nil, errors.New("down") }

// The nearest rule counts. One that can't be read, or asked for, counts as the usual one, and somebody hears of it.
func TestRules(t *testing.T) {
	file := t.TempDir() + "/users"
	require.NoError(t, os.WriteFile(file, []byte("own@a.test:x::::::userdb_quota_rule=*:storage=1k\nbad@a.test:x::::::userdb_quota_rule=lots\nx@a.test:x\n"+
		"new@a.test:x::::::userdb_quota_storage_size=7000 userdb_quota_message_count=9\nall@a.test:x::::::userdb_quota_storage_size=unlimited\n"), 0o600))
	f, err := passwdfile.Open(file, passwdfile.Options{})
	require.NoError(t, err)
	open := func(list string) *lookup.List {
		l, err := lookup.OpenList(t.Context(), list, &lookup.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		return l
	}
	var warned []string
	r := &quota.Rules{
		Users: accounts.File{F: f}, Warn: func(err error) { warned = append(warned, err.Error()) },
		Usual: quota.Rule{Storage: 5}, UsualDomain: quota.Rule{Storage: 50},
		Maps:       open("inline:{ {own@a.test=*:bytes=3}, {y@a.test=*:bytes=4}, {@b.test=*:bytes=6}, {@c.test=many} }"),
		DomainMaps: open("inline:{ {a.test=*:bytes=60:mailboxes=2}, {c.test=many} }"),
	}
	for account, want := range map[string]int64{"own@a.test": 1024, "bad@a.test": 5, "x@a.test": 5, "new@a.test": 7000, "all@a.test": 0, "y@a.test": 4, "z@b.test": 6, "z@c.test": 5} {
		require.Equal(t, want, r.Account(t.Context(), account).Storage, account)
	}
	require.Equal(t, int64(9), r.Account(t.Context(), "new@a.test").Messages)
	require.Len(t, warned, 2)
	require.Equal(t, quota.Rule{Storage: 60, Mailboxes: 2}, r.Domain(t.Context(), "a.test"))
	require.Equal(t, quota.Rule{Storage: 50}, r.Domain(t.Context(), "b.test"))
	require.Equal(t, quota.Rule{Storage: 50}, r.Domain(t.Context(), "c.test"))
	require.Contains(t, warned[2], "domain_quota_rule_maps: c.test: ")
	r.Users = down{}
	require.Equal(t, int64(5), r.Account(t.Context(), "own@a.test").Storage)
	require.Contains(t, warned[3], "quota of own@a.test: down; quota_rule counts")

	require.Equal(t, []string{"own@a.test", "bad@a.test", "x@a.test", "new@a.test", "all@a.test"}, f.InDomain("a.test"))
	require.Empty(t, f.InDomain("b.test"))
	require.NoError(t, os.WriteFile(file, []byte("new@b.test:x\n"), 0o600))
	require.Equal(t, []string{"new@b.test"}, f.InDomain("b.test"))
	all, err := accounts.Open(accounts.Options{Passdbs: "passwd-file:" + file, Userdbs: "static:home=/x"})
	require.NoError(t, err)
	names, err := all.InDomain(t.Context(), "b.test")
	require.NoError(t, err)
	require.Equal(t, []string{"new@b.test"}, names, "static users are those that the passdbs know")
}
