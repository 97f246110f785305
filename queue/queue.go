package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// FS is the file system that a [Spool] lives on. The zero Queue uses the operating system's.
type FS = vfs.FS

// A Queue takes messages as a [mail.Deliverer] and delivers them. Set Dir or Storage and Transports; the zero value of
// every other field works. The fields must not change once Start, Run or Begin was called. A Queue may be used by many
// goroutines at once.
type Queue struct {
	// Storage keeps the messages. nil: a [Spool] in Dir on FS. The Queue closes it.
	Storage Storage
	Dir     string
	FS      FS // nil: the operating system's

	// Route says where a recipient's copy goes. It is asked anew at each attempt. An error that is or wraps a
	// *mail.Reply decides the recipient: 4yz defers, 5yz bounces; other errors defer. nil: transport "smtp", next hop
	// the recipient's domain.
	Route func(ctx context.Context, sender, recipient string) (Route, error)

	// Transports are the ways out, by the name that Route gives. A name that isn't there defers the recipient.
	Transports map[string]*Transport

	Backoff Backoff
	Limits  Limits

	// Hostname names this system in notifications (Reporting-MTA) and their addresses. "": "localhost".
	Hostname string

	// SoftBounce keeps what would be returned: a permanent failure defers, and nothing gets too old. It is for a site that tries
	// something: when it is over, nobody has got his mail back for nothing (soft_bounce). What a sender wants by DELIVERBY
	// and an operator orders is done all the same.
	SoftBounce bool

	// Notify makes and addresses notifications. The zero value is right for most.
	Notify NotifyOptions

	// Trace, when set, is told of everything that happens to a message, in order for each message. It must be quick
	// and may be called by many goroutines at once.
	Trace func(Event)

	Logger *slog.Logger     // troubles of the queue itself, such as a full disk; nil: discarded
	Now    func() time.Time // nil: time.Now

	mu sync.Mutex
	engine
}

// Backoff says when a message is tried again and when it is given up. Names and defaults are Postfix's.
type Backoff struct {
	// A message that could not be delivered is tried again after as long as it has been in the queue, but not before
	// Minimal nor after Maximal, so the intervals double. A destination that is dead is left alone for Minimal.
	Minimal time.Duration // minimal_backoff_time; 0: 300 s
	Maximal time.Duration // maximal_backoff_time; 0: 4000 s

	// RunDelay is how often the storage is asked for messages that have become due without anybody noticing.
	RunDelay time.Duration // queue_run_delay; 0: 300 s

	// Lifetime is how long a message is tried before it is returned; BounceLifetime the same for one from the null
	// sender. Negative: one attempt only.
	Lifetime       time.Duration // maximal_queue_lifetime; 0: 5 days
	BounceLifetime time.Duration // bounce_queue_lifetime; 0: 5 days

	// DelayWarning is the age at which the sender is told that the message is delayed, once. 0: never.
	DelayWarning time.Duration // delay_warning_time
}

// Limits bound what a Queue and its storage use.
type Limits struct {
	ActiveMessages   int // messages in delivery at a time; 0: 20000 (qmgr_message_active_limit)
	ActiveRecipients int // their recipients in memory; 0: 20000 (qmgr_message_recipient_limit)

	// RecipientMinimum is how many recipients of a message are read even when ActiveRecipients are in memory, so that
	// lists don't keep letters out. Of a list a quarter of what there is room for is read at a time, then the next.
	// 0: 10 (qmgr_message_recipient_minimum)
	RecipientMinimum int

	Recipients   int   // of one message; 0: 100000
	MessageSize  int64 // octets; 0: no limit here, the protocol in front has one
	EnvelopeSize int   // octets of an address or a parameter; 0: 4096

	// FreeSpace is the reserve that must stay free on the disk; below it new mail gets "452 4.3.1 Insufficient system
	// storage". 0: 32 MiB. Negative: not checked. Free reports what there is for a folder; nil: asks the operating
	// system where it can, for storages that are on its file system.
	FreeSpace int64
	Free      func(dir string) (bytes, files int64, err error)
}

// ErrClosed is returned by calls on a Queue or Spool that has been shut down.
var ErrClosed = errors.New("queue: closed")
