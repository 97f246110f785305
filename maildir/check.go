package maildir

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/buuta/mail/maildir/internal/dovefile"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// FaultKind is what is wrong.
type FaultKind string

// The kinds of fault.
const (
	FaultFolder        FaultKind = "folder"        // new, cur or tmp lacks; a folder whose name can't be a mailbox's
	FaultUIDList       FaultKind = "uidlist"       // dovecot-uidlist can't be read, or lines of it
	FaultDuplicateUID  FaultKind = "duplicate-uid" // two lines of it have one UID
	FaultUnlisted      FaultKind = "unlisted"      // a message in cur that has no UID yet
	FaultMissing       FaultKind = "missing"       // a message that the index knows has no file
	FaultTwice         FaultKind = "twice"         // two files with one name, but for flags
	FaultSize          FaultKind = "size"          // a name tells another size than the file has
	FaultPacked        FaultKind = "compressed"    // a compressed message that can't be decoded to its end
	FaultName          FaultKind = "name"          // a file that can't be a message's, by its name
	FaultTmp           FaultKind = "tmp"           // a file that a delivery has left in tmp
	FaultIndex         FaultKind = "index"         // buuta.index.log ends torn or can't be used, or tells other UIDs than the list
	FaultCache         FaultKind = "cache"         // structures of messages in buuta.index.cache that can't be used
	FaultKeywords      FaultKind = "keywords"      // lines of dovecot-keywords that can't be read
	FaultQuota         FaultKind = "maildirsize"   // maildirsize can't be read, or its sum is not that of the files
	FaultSubscriptions FaultKind = "subscriptions" // lines of subscriptions that can't be names, or stand there twice
	FaultLock          FaultKind = "lock"          // a lock whose holder is no more
)

// Fault is one thing that Check found.
type Fault struct {
	Mailbox  string // "" where it is the account's
	Kind     FaultKind
	File     string // within the account's folder
	What     string // in a few words
	Repaired bool
	Err      error // why it could not be repaired, if that was tried
}

// String writes a fault as a line: "Lists/Go: size: .Lists.Go/cur/…: says 10 octets, has 12".
func (f Fault) String() string {
	who := f.Mailbox
	if who == "" {
		who = "account"
	}
	s := fmt.Sprintf("%s: %s: %s: %s", who, f.Kind, f.File, f.What)
	switch {
	case f.Repaired:
		s += " (repaired)"
	case f.Err != nil:
		s += fmt.Sprintf(" (not repaired: %v)", f.Err)
	}
	return s
}

// CheckOptions say how to check.
type CheckOptions struct {
	// Repair puts right what can be: sizes in names, UIDs that are there twice, lists, locks, leftovers. UIDVALIDITY stays, and the UIDs of all
	// messages that have one that is theirs alone. No message is removed but the second name of one and the same file. The index of a
	// mailbox with wrong sizes or names is made anew, so that clients read its flags anew.
	Repair bool
	// Found is called with each fault, after its repair.
	Found func(Fault)
	// Mailbox, when set, is called before each mailbox is looked at.
	Mailbox func(name string)
}

// Check looks for what is wrong with an account's folders: damage of Dovecot's files and of ours, and of messages' names. It reads every
// message whose name tells its size. Without Repair it changes nothing. While other programs deliver or change flags it can report what
// is only on its way. It returns how many faults there are that are not repaired; the error is that of the check itself.
func (s *Store) Check(ctx context.Context, account string, opts *CheckOptions) (left int, err error) {
	root, err := s.accountDir(account)
	if err != nil {
		return 0, err
	}
	a, err := s.existing(account, root)
	if err != nil {
		return 0, err
	}
	defer a.end()
	c := checker{a: a, ctx: ctx}
	if opts != nil {
		c.CheckOptions = *opts
	}
	return c.left, c.run()
}

type checker struct {
	CheckOptions
	a    *account
	ctx  context.Context
	left int
}

// fault reports one; repair, when it isn't nil, is done first if it is wanted.
func (c *checker) fault(f Fault, repair func() error) {
	if c.Repair && repair != nil {
		f.Err = repair()
		f.Repaired = f.Err == nil
	}
	if !f.Repaired {
		c.left++
	}
	if c.Found != nil {
		c.Found(f)
	}
}

func (c *checker) run() error {
	if err := c.folders(); err != nil {
		return err
	}
	folders, err := c.a.folders()
	if err != nil {
		return err
	}
	folders[inbox] = ""
	names := make([]string, 0, len(folders))
	for name := range folders {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if c.Mailbox != nil {
			c.Mailbox(name)
		}
		b := boxCheck{checker: c, name: name, folder: folders[name]}
		b.dir = strings.TrimSuffix(c.a.root+"/"+b.folder, "/")
		if err := b.run(); err != nil {
			return fmt.Errorf("maildir: check of %q: %w", name, err)
		}
	}
	if err := c.subscriptions(); err != nil {
		return err
	}
	return c.quota()
}

// folders looks at the names of folders. As nested folders every name has one spelling, and what can't be a name is no mailbox.
func (c *checker) folders() error {
	if c.a.s.Layout == LayoutFS {
		return nil
	}
	entries, err := c.a.sh.fs.ReadDir(c.a.root)
	if err != nil {
		return err
	}
	seen := map[string]string{}
	for _, e := range entries {
		n := e.Name()
		if !e.IsDir() || n[0] != '.' {
			continue
		}
		name, ok := c.a.s.mailboxName(n)
		switch was := seen[name]; {
		case !ok:
			if _, err := c.a.sh.fs.Stat(c.a.root + "/" + n + "/cur"); err == nil {
				c.fault(Fault{Kind: FaultFolder, File: n, What: "can't be the name of a mailbox"}, nil)
			}
		case was != "":
			c.fault(Fault{Mailbox: name, Kind: FaultFolder, File: n, What: "is the same name as " + was}, nil)
		default:
			seen[name] = n
		}
	}
	return nil
}

// subscriptions looks at the file of that name.
func (c *checker) subscriptions() error {
	a := c.a
	raw, err := readFile(a.sh.fs, a.root+"/"+subscriptionsName)
	if err != nil || raw == nil {
		return err
	}
	good, what := a.goodSubscriptions(raw)
	if what == "" {
		return nil
	}
	c.fault(Fault{Kind: FaultSubscriptions, File: subscriptionsName, What: what}, func() error {
		unlock, err := a.lock(c.ctx)
		if err != nil {
			return err
		}
		defer unlock()
		dot, err := takeDotLock(c.ctx, a.sh.fs, a.root+"/"+accountLockName, a.root+"/"+subscriptionsName+".lock", a.sh.machine, a.s.now)
		if err != nil {
			return err
		}
		defer dot.Close()
		if raw, err = readFile(a.sh.fs, a.root+"/"+subscriptionsName); err != nil {
			return err
		}
		good, _ = a.goodSubscriptions(raw)
		return writeFile(a.sh.fs, a.root, subscriptionsName, dovefile.FormatSubscriptions(good, a.s.naming().Separator()), !a.s.NoSync)
	})
	return nil
}

// goodSubscriptions returns what can be names, and what is wrong with the rest.
func (a *account) goodSubscriptions(raw []byte) (good []string, what string) {
	lines := 0
	rest := bytes.TrimPrefix(raw, []byte("V\t2\n"))
	for line := range bytes.Lines(rest) {
		if len(bytes.TrimRight(line, "\r\n")) > 0 {
			lines++
		}
	}
	all := dovefile.ParseSubscriptions(raw, a.s.naming().Separator())
	var bad []string
	for _, f := range all {
		if _, ok := a.s.subscribed(f); ok {
			good = append(good, f)
		} else {
			bad = append(bad, f)
		}
	}
	if twice := lines - len(all); twice > 0 {
		what = fmt.Sprintf("%d lines stand there twice", twice)
	}
	if len(bad) > 0 {
		if what != "" {
			what += "; "
		}
		what += fmt.Sprintf("%d can't be names, the first %.100q", len(bad), bad[0])
	}
	return good, what
}

// quota looks at maildirsize.
func (c *checker) quota() error {
	l := &c.a.tree.ledger
	name := l.root + "/" + maildirsize.Name
	raw, err := readFile(l.sh.fs, name)
	if err != nil || raw == nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	file, ok := maildirsize.Parse(raw)
	used, err := l.count()
	if err != nil {
		return err
	}
	what := ""
	switch {
	case !ok && len(raw) < maildirsize.MaxSize: // one that is too long is only due
		what = "can't be read"
	case ok && file.Used != used:
		what = fmt.Sprintf("says %d octets in %d messages, there are %d in %d", file.Used.Bytes, file.Used.Messages, used.Bytes, used.Messages)
	default:
		return nil
	}
	c.fault(Fault{Kind: FaultQuota, File: path.Base(name), What: what}, func() error {
		limits := file.Limits
		if rule := l.s.rule(l.account, ""); rule != (maildirsize.Amount{}) {
			limits = rule
		}
		_, _, err := l.recount(limits)
		return err
	})
	return nil
}
