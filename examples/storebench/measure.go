package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

// store returns a store of its own, with nothing in memory, whose accounts are folders of dir.
func store(dir string) *maildir.Store { return &maildir.Store{Path: dir + "/%u"} }

// open opens a mailbox and asks for its state.
func open(ctx context.Context, s mail.Store, user string) (mail.Mailbox, mail.State, error) {
	a, err := s.Account(ctx, user)
	if err != nil {
		return nil, mail.State{}, err
	}
	defer a.Close()
	m, err := a.Open(ctx, "INBOX")
	if err != nil {
		return nil, mail.State{}, err
	}
	st, err := m.State(ctx)
	if err != nil {
		m.Close()
	}
	return m, st, err
}

func appendOne(ctx context.Context, m mail.Mailbox, content string) error {
	a, err := m.Append(ctx)
	if err != nil {
		return err
	}
	defer a.Abort()
	if err := a.Add(ctx, strings.NewReader(content), nil); err != nil {
		return err
	}
	_, err = a.Commit(ctx)
	return err
}

// rate has workers do f together n times and returns how many that is a second.
func rate(workers, n int, f func(worker, i int) error) (float64, error) {
	var next atomic.Int64
	var first error
	var once sync.Once
	var wg sync.WaitGroup
	began := time.Now()
	for w := range workers {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				if err := f(w, i); err != nil {
					once.Do(func() { first = err })
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(began).Seconds(), first
}

// median returns the middle of several measurements of f, in milliseconds.
func median(runs int, f func() error) (float64, error) {
	var all []float64
	for range runs {
		began := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		all = append(all, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}
