package queuecmd

import (
	"context"
	"iter"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

// Queue is what the commands need of a queue. *queue.Queue is one.
type Queue interface {
	List(ctx context.Context, f queue.Filter) iter.Seq2[queue.Entry, error]
	Open(ctx context.Context, id string) (*queue.Message, queue.Content, error)
	Flush(ctx context.Context, f queue.Filter) (int, error)
	Hold(ctx context.Context, f queue.Filter) (int, error)
	Release(ctx context.Context, f queue.Filter) (int, error)
	Requeue(ctx context.Context, f queue.Filter) (int, error)
	Delete(ctx context.Context, f queue.Filter) (int, error)
	Expire(ctx context.Context, f queue.Filter) (int, error)
	Bounce(ctx context.Context, f queue.Filter, why *mail.Reply) (int, error)
	Pause(ctx context.Context, domain string) error
	Resume(ctx context.Context, domain string) (int, error)
	Paused() []string
}

var _ Queue = (*queue.Queue)(nil)

// Stopped is the queue of a server that isn't running. What is to be done at once is done when it runs again.
type Stopped struct{ *queue.Spool }

var _ Queue = Stopped{}

// OpenStopped opens the spool in a folder. It fails with vfs's "locked by another process" while a server runs on it.
func OpenStopped(dir string) (Stopped, error) {
	s := &queue.Spool{Dir: dir}
	return Stopped{s}, s.Start()
}

// Flush makes messages due.
func (s Stopped) Flush(ctx context.Context, f queue.Filter) (int, error) {
	return s.Edit(ctx, f, queue.OpFlush)
}

// Hold puts messages on hold.
func (s Stopped) Hold(ctx context.Context, f queue.Filter) (int, error) {
	return s.Edit(ctx, f, queue.OpHold)
}

// Release takes messages from hold.
func (s Stopped) Release(ctx context.Context, f queue.Filter) (int, error) {
	return s.Edit(ctx, f, queue.OpRelease)
}

// Requeue makes messages due, from whatever state.
func (s Stopped) Requeue(ctx context.Context, f queue.Filter) (int, error) {
	return s.Edit(ctx, f, queue.OpRequeue)
}

// Delete removes messages.
func (s Stopped) Delete(ctx context.Context, f queue.Filter) (int, error) {
	return s.Edit(ctx, f, queue.OpDelete)
}

// Expire has messages tried once more and then returned.
func (s Stopped) Expire(ctx context.Context, f queue.Filter) (int, error) {
	return s.Order(ctx, f, queue.Order{Expire: true})
}

// Bounce has messages returned to their senders; why is a 5yz reply, nil for a plain one.
func (s Stopped) Bounce(ctx context.Context, f queue.Filter, why *mail.Reply) (int, error) {
	if why == nil {
		why = mail.NewReply(554, mail.EnhancedCode{5, 7, 1}, "returned by the administrator")
	}
	return s.Order(ctx, f, queue.Order{Fail: why})
}
