package queue

import (
	"context"
	"io"

	"github.com/buuta/mail"
)

// Send queues a message in one go and returns a result for each recipient of env, in their order: accepted, or why not. When
// it returns, what is accepted is on disk and will be delivered or returned, whatever happens to this process. An error
// means that nobody's copy was taken and is the same answer for all.
//
// message has CRLF line ends and its header as it is to be sent. It is read to its end.
func (q *Queue) Send(ctx context.Context, env *mail.Envelope, message io.Reader) ([]mail.Result, error) {
	tx, err := q.begin(ctx, env.From, &env.Options)
	if err != nil {
		return nil, err
	}
	defer tx.Abort()
	results := make([]mail.Result, len(env.Recipients))
	var accepted []int
	var refusal error = errNoRecipients
	for i := range env.Recipients {
		r := &env.Recipients[i]
		if err := tx.Recipient(ctx, r.Address, &r.Options); err != nil {
			results[i] = mail.Result{Recipient: r.Address, Reply: mail.ReplyOf(err)}
			refusal = err
		} else {
			accepted = append(accepted, i)
		}
	}
	if len(accepted) == 0 {
		return nil, refusal
	}
	if err := tx.Body(ctx, message); err != nil {
		return nil, err
	}
	done, err := tx.Commit(ctx)
	if err != nil {
		return nil, err
	}
	for n, i := range accepted {
		results[i] = done[n]
	}
	return results, nil
}
