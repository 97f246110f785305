package maildir

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir/internal/dovefile"
)

// shares is who shares something with whom: for each owner the users, the groups ("$staff") and the "" for anyone who may see
// a mailbox of theirs. It only says where to look.
type shares struct {
	mu     sync.Mutex
	owners map[string]map[string]bool
	stamp  fileStamp
	rest   dovefile.Dict // what the file has about something else

	wmu sync.Mutex
	all map[*watcher]struct{}
}

// watch has wake called when an owner begins or ends to share with somebody.
func (d *shares) watch(wake func()) (cancel func()) {
	w := &watcher{wake}
	d.wmu.Lock()
	defer d.wmu.Unlock()
	if d.all == nil {
		d.all = map[*watcher]struct{}{}
	}
	d.all[w] = struct{}{}
	return func() {
		d.wmu.Lock()
		defer d.wmu.Unlock()
		delete(d.all, w)
	}
}

func (d *shares) wake() {
	d.wmu.Lock()
	all := slices.Collect(maps.Keys(d.all))
	d.wmu.Unlock()
	for _, w := range all {
		w.wake()
	}
}

// sharesKey is what lines of Dovecot's dictionary about shares begin with. Behind it stand "user/binh/", "group/staff/" or
// "anyone/", and the owner; the line after it is "1".
const sharesKey = "shared/shared-boxes/"

// load reads the file when it has changed. The lock is held.
func (d *shares) load(s *Store) error {
	name := s.Sharing.Dict
	if d.owners == nil {
		d.owners = map[string]map[string]bool{}
	}
	if name == "" {
		return nil
	}
	stamp := fileStamp{}
	var err error
	if stamp.mtime, stamp.size, err = vfs.Stamp(s.shared.fs, name); errors.Is(err, fs.ErrNotExist) && d.stamp == (fileStamp{}) && len(d.owners)+len(d.rest) == 0 {
		return nil
	}
	if stamp != (fileStamp{}) && stamp.same(d.stamp) {
		return nil
	}
	raw, err := readFile(s.shared.fs, name)
	if err != nil {
		return err
	}
	d.owners, d.rest = parseShares(raw)
	if d.stamp = stamp; s.fresh(stamp) {
		d.stamp = fileStamp{}
	}
	return nil
}

func parseShares(raw []byte) (owners map[string]map[string]bool, rest dovefile.Dict) {
	owners, rest = map[string]map[string]bool{}, dovefile.ParseDict(raw)
	for key := range rest {
		who, owner, ok := parseShare(key)
		if !ok {
			continue
		}
		delete(rest, key)
		if owners[owner] == nil {
			owners[owner] = map[string]bool{}
		}
		owners[owner][who] = true
	}
	return owners, rest
}

func parseShare(key string) (who, owner string, ok bool) {
	key, ok = strings.CutPrefix(key, sharesKey)
	i := strings.LastIndexByte(key, '/')
	if !ok || i < 0 || i == len(key)-1 {
		return "", "", false
	}
	who, owner = key[:i], key[i+1:]
	if who == "anyone" {
		return "", owner, true
	}
	if name, ok := strings.CutPrefix(who, "user/"); ok {
		return name, owner, true
	}
	name, ok := strings.CutPrefix(who, "group/")
	return "$" + name, owner, ok
}

func formatShares(owners map[string]map[string]bool, rest dovefile.Dict) []byte {
	d := maps.Clone(rest)
	if d == nil {
		d = dovefile.Dict{}
	}
	for owner, with := range owners {
		for who := range with {
			key := "user/" + who + "/"
			if group, ok := strings.CutPrefix(who, "$"); ok {
				key = "group/" + group + "/"
			} else if who == "" {
				key = "anyone/"
			}
			d[sharesKey+key+owner] = "1"
		}
	}
	return d.Format()
}

// put notes with whom an owner shares now.
func (d *shares) put(ctx context.Context, s *Store, owner string, with map[string]bool) error {
	changed, err := d.set(ctx, s, owner, with)
	if changed {
		d.wake()
	}
	return err
}

func (d *shares) set(ctx context.Context, s *Store, owner string, with map[string]bool) (changed bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.load(s); err != nil {
		return false, err
	}
	if maps.Equal(d.owners[owner], with) {
		return false, nil
	}
	sh, name := s.shared, s.Sharing.Dict
	if name != "" {
		own := name + ".buuta.lock"
		lock, err := lockFile(ctx, sh.fs, own)
		if err != nil {
			return false, err
		}
		defer lock.Close()
		dot, err := takeDotLock(ctx, sh.fs, own, name+".lock", sh.machine, s.now)
		if err != nil {
			return false, err
		}
		defer dot.Close()
		d.stamp = fileStamp{}
		if err := d.load(s); err != nil {
			return false, err
		}
	}
	d.owners[owner] = with
	if len(with) == 0 {
		delete(d.owners, owner)
	}
	if name == "" {
		return true, nil
	}
	d.stamp = fileStamp{}
	return true, writeFile(sh.fs, path.Dir(name), path.Base(name), formatShares(d.owners, d.rest), !s.NoSync)
}

// tellShares brings what is known of an account's shares up to date.
func (a *account) tellShares(ctx context.Context) error {
	if a.s.Sharing == nil || a.name == "" {
		return nil
	}
	folders, err := a.folders()
	if err != nil {
		return err
	}
	with := map[string]bool{}
	folders[inbox] = ""
	for _, folder := range folders {
		list, err := a.s.readACL(strings.TrimSuffix(a.root+"/"+folder, "/") + "/" + aclName)
		if err != nil {
			return err
		}
		list.Reaches(func(who string) { with[who] = true })
	}
	return a.sh.shares.put(ctx, a.s, a.name, with)
}

// sharesChanged is tellShares for who does not hold the tree's lock.
func (a *account) sharesChanged(ctx context.Context) error {
	a.tree.mu.RLock()
	defer a.tree.mu.RUnlock()
	return a.tellShares(ctx)
}

// reconcile takes in what others did to the access control lists of the user's own mailboxes.
func (u *sharer) reconcile(ctx context.Context) error {
	err := u.own.sharesChanged(ctx)
	if err != nil && ctx.Err() == nil {
		u.s.logger().Warn("can't note who shares with whom", "account", u.own.name, "error", err)
		return nil
	}
	return err
}

// sharingOwners returns whose mailboxes the user may be able to see.
func (u *sharer) sharingOwners(context.Context) ([]string, error) {
	d := &u.own.sh.shares
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.load(u.s); err != nil {
		return nil, err
	}
	var out []string
	for owner, with := range d.owners {
		if with[""] || with[u.own.name] || slices.ContainsFunc(u.groups, func(g string) bool { return with["$"+g] }) {
			out = append(out, owner)
		}
	}
	if u.c.GlobalACL != "" { // which may show what its owner doesn't share
		out = slices.AppendSeq(out[:0], maps.Keys(d.owners))
	}
	slices.Sort(out)
	return out, nil
}
