package maildir

import (
	"container/list"
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/internal/ahead"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/searchtext"
)

// FS is the file system that a Store works on.
type FS = vfs.FS

// Store keeps mail in Maildir++ folders. Set Path, or PathFunc, and use it; the other fields have a working zero
// value. It may be used by many goroutines at once, and must not be copied or changed after first use.
type Store struct {
	// Path is the folder of an account's mail, with Dovecot's variables: %u the account's name, %n what is before
	// its "@", %d what is behind, %% a percent sign; %Lu, %Ln and %Ld the same in lower case. "/var/mail/%d/%n". An
	// account without a domain does not exist where Path uses %d.
	Path string

	// PathFunc, when set, is asked instead of Path. Its errors come back from Account; mail.ErrNoAccount says that
	// there is no such user.
	PathFunc func(account string) (dir string, err error)

	// MustExist makes an account without a folder mail.ErrNoAccount. Otherwise folders are made when an account is
	// first opened.
	MustExist bool

	// LF saves messages with LF line ends, as most programs besides Dovecot do, instead of CRLF as they came. Messages
	// of either kind are read.
	LF bool

	// Compress, when set, is how messages are saved from now on, as with Dovecot's mail_compress: compress.Gzip(0), or that of package
	// compress/zstd. Sizes and quotas are those without it.
	Compress compress.Codec

	// Codecs are what compressed messages are read by, besides Compress, gzip and bzip2, which are always read.
	Codecs []compress.Codec

	// Layout is how mailboxes lie in the account's folder: Dovecot's LAYOUT.
	Layout Layout

	// UTF8 writes the names of folders as UTF-8 (Dovecot's mailbox_list_utf8) and not in modified UTF-7.
	UTF8 bool

	// NoSync leaves out every sync: for tests and for imports that can be begun again. What a nil error promised can
	// then be lost when the machine stops, though not when the program does.
	NoSync bool

	// Use are the purposes of mailboxes by name. nil means Archive, Drafts, Junk, Sent and Trash under these names.
	// A purpose given at Create goes before it.
	Use map[string]mail.SpecialUse

	// Quota limits each account; QuotaFunc, when set, is asked instead, at every use, and with the name of a mailbox for its
	// own limits besides. Where neither limits an account, the limits of a maildirsize do that another program has written.
	Quota     Quota
	QuotaFunc func(account, mailbox string) Quota

	// Groups, when set, limit accounts together.
	Groups *Groups

	// UserQuota lets users set limits themselves, with SetQuota, where the fields above set none.
	UserQuota bool

	// SettleAfter is how long the name of a file may wait to be synced after a flag change, which itself is durable when
	// SetFlags returns. Should the machine stop within that time, a flag may be missing from the name until this package opens
	// the mailbox again and puts it back; another program that comes first misses it. 0 means a second. Less than 0 syncs names
	// before SetFlags returns, which takes about twice as long; so does a file system on which it can't be told
	// whether the machine has stopped (all but Linux).
	SettleAfter time.Duration

	// CharsetReader makes texts in charsets beyond UTF-8, US-ASCII and ISO-8859-1 known, such as charset.NewReader of package
	// mime/charset does: in previews, in parameters and for SearchText. With another one than before, delete the files named buuta.text
	// and buuta.index.cache.
	CharsetReader mime.CharsetReader

	// AttachmentText, when set, reads attachments for SearchText in formats beyond text, HTML, and the documents of office programs,
	// such as PDF. With another one than before, delete the files named buuta.text.
	AttachmentText searchtext.Attachment

	// NoTextCache keeps no texts for SearchText, which then reads every message each time. The texts take about as much space
	// on disk as the text of the messages that were searched, without attachments that hold none.
	NoTextCache bool

	// TextAhead makes the text of messages that come ready for SearchText in the background, so long after they came at most, one mailbox
	// at a time, with a quarter of one processor at most: the first search after a delivery is as fast as the next. It takes the space for the texts of
	// mailboxes that nobody searches. 0 leaves it to the first search, as is what a mailbox holds that had no index yet. Call Close at the end.
	TextAhead time.Duration

	// Poll is how often mailboxes that are watched are looked at for what other programs did. 0 means a second; less
	// than 0 never.
	Poll time.Duration

	// Sharing, when set, lets users see what others share with them.
	Sharing *Sharing

	Host   string           // in the names of files; "" means the name of the machine
	FS     FS               // nil means the real one
	Now    func() time.Time // nil means time.Now
	Limits Limits
	Logger *slog.Logger // nil means no log

	mu       sync.Mutex
	shared   *shared
	poller   poller
	texter   texter
	logSlack int // records that any log may have behind its snapshot; tests make it small
}

// Layout is a way to lay out mailboxes as folders.
type Layout uint8

// The layouts. INBOX is the account's own folder in both.
const (
	LayoutMaildirPP Layout = iota // "Lists/go" is the folder ".Lists.go": Maildir++
	LayoutFS                      // "Lists/go" is the folder "Lists/go". Symbolic links are not followed
)

// Limits bound what an account may use. The zero value of a field is its default; less than 0 means no limit.
type Limits struct {
	MessageSize   int64 // octets of one message: mail.ErrTooLarge. No limit by default
	Mailboxes     int   // of an account: mail.ErrLimit. 10,000
	Depth         int   // levels in a name: mail.ErrBadName. 32
	IdleMailboxes int   // kept in memory after their last session has closed them, so that the next need not read them. 1024
	IdleMemory    int   // octets that these may take, about. 32 MiB
	History       int   // expunged UID ranges remembered for Changes, a mailbox. 10,000
	Metadata      int   // annotations of one mailbox, or of the account itself: mail.ErrLimit. 100
	MetadataValue int   // octets of an annotation: mail.ErrTooLarge. 65,536
	MetadataSize  int   // octets of all annotations of an account: mail.ErrLimit. 4 MiB
	Decoded       int64 // octets that a compressed message may have: one of more is shown as it lies there. 1 GiB
	DecodedMemory int   // octets of one that are held in memory while it is read; a larger one lies in a file without a name. 128 KiB
	Syncs         int   // files synced at the same time, over all accounts. 32
	ReadAhead     int   // octets of messages that were read before they were asked for, over all accounts. 16 MiB
}

func limit(n, def int) int {
	switch {
	case n == 0:
		return def
	case n < 0:
		return int(^uint(0) >> 1)
	}
	return n
}

// shared is what the sessions of a Store have in common.
type shared struct {
	fs      FS
	host    string // in file names
	machine string // in lock files
	syncs   chan struct{}
	seq     sequence
	packing packing
	octet   byte // see indexOctet
	budget  ahead.Budget
	boot    string // names the run of the machine, "" when nothing does

	mu    sync.Mutex
	boxes map[string]*box  // by folder
	trees map[string]*tree // by account's folder
	idle  list.List        // boxes that nobody has open, those longest so first

	pools map[string]*pool // by group

	idleWeight int64 // octets that they take, about

	acls     aclFiles
	shares   shares
	privates map[string]*private   // by file
	watches  map[string]*treeWatch // by account's folder
}

// start makes what the zero value lacks.
func (s *Store) start() *shared {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared == nil {
		sh := &shared{fs: s.FS, host: s.Host, syncs: make(chan struct{}, min(limit(s.Limits.Syncs, 32), 1<<16))}
		sh.boxes, sh.trees = map[string]*box{}, map[string]*tree{}
		sh.machine, _ = os.Hostname()
		sh.octet = indexOctet()
		sh.budget.Most = int64(limit(s.Limits.ReadAhead, 16<<20))
		sh.packing = s.packing()
		if sh.fs == nil {
			sh.fs = vfs.OS{}
		}
		if m, ok := sh.fs.(interface{ Boot() string }); ok {
			sh.boot = m.Boot()
		}
		if sh.host == "" {
			sh.host = sh.machine
		}
		sh.host = strings.NewReplacer("/", "\\057", ":", "\\072", ",", "_").Replace(sh.host)
		s.shared = sh
	}
	return s.shared
}

func (s *Store) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Store) logger() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.New(slog.DiscardHandler)
}

// Account implements mail.Store. A name that could lead out of Path does not exist: mail.ErrNoAccount.
func (s *Store) Account(ctx context.Context, name string) (mail.Account, error) {
	return s.account(ctx, name, true)
}

// Filing is the store for who only files messages. With Sharing, Account looks at the access control lists of all the account's mailboxes for what other
// programs have changed there, which takes calls for each mailbox; here that is left to who logs in. Rights are asked for as there.
func (s *Store) Filing() mail.Store { return filing{s} }

type filing struct{ s *Store }

func (f filing) Account(ctx context.Context, name string) (mail.Account, error) {
	return f.s.account(ctx, name, false)
}

func (s *Store) account(ctx context.Context, name string, reconcile bool) (mail.Account, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := s.accountDir(name)
	if err != nil {
		return nil, err
	}
	a, err := s.openAccount(name, dir)
	if err != nil {
		return nil, err
	}
	if s.Sharing == nil {
		return a, nil
	}
	u, err := s.share(ctx, a)
	if err == nil && reconcile {
		err = u.reconcile(ctx)
	}
	if err != nil {
		a.end()
		return nil, err
	}
	return u, nil
}
