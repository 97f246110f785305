package main

import (
	"fmt"
	"slices"
	"time"
)

const envelopes = "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"

// first measures FETCH of envelopes that nobody has asked for yet, of messages that each server has taken by APPEND, and of those that
// another program has filed, in several mailboxes by turns; with a store each that has nothing in memory.
func (b *bench) first() error {
	if b.dovecot == nil {
		return nil
	}
	n := b.n(4000)
	var taken, filed, again turns
	for round := range 5 {
		own, other := fmt.Sprintf("own%d", round), fmt.Sprintf("other%d", round)
		for _, u := range []string{other, other + "x"} {
			if err := fillLetters(b.dir+"/ours/"+u, n); err != nil {
				return err
			}
		}
		if err := b.dovecot.take(b.dir+"/ours/"+other+"x", other); err != nil {
			return err
		}
		s := store(b.dir + "/ours")
		addr, stop, err := serve(s)
		if err == nil {
			err = b.appendLetters(addr, own, n)
			stop()
		}
		if err == nil {
			err = b.appendLetters(b.dovecot.addr, own, n)
		}
		if err == nil {
			err = b.firstRound(own, other, &taken, &filed, &again)
		}
		if err != nil {
			return err
		}
	}
	for _, row := range []struct {
		what string
		t    turns
	}{
		{"fetch envelopes for the first time, taken by APPEND", taken},
		{"fetch envelopes for the first time, filed by another program", filed},
		{"fetch envelopes again", again},
	} {
		ours, theirs, low, mid, high := row.t.sum()
		b.out.add(fmt.Sprintf("%s, mailbox of %d", row.what, n), "", perSecond(float64(n)/ours.Seconds()), perSecond(float64(n)/theirs.Seconds()),
			fmt.Sprintf("%.1f x Dovecot; %d rounds from %.1f to %.1f", mid, len(row.t), low, high))
	}
	return nil
}

// firstRound fetches from both servers by turns.
func (b *bench) firstRound(own, other string, taken, filed, again *turns) error {
	addr, stop, err := serve(store(b.dir + "/ours"))
	if err != nil {
		return err
	}
	defer stop()
	for _, row := range []struct {
		user string
		t    *turns
	}{{own, taken}, {other, filed}, {own, again}} {
		var took [2]time.Duration
		for i, a := range []string{addr, b.dovecot.addr} {
			c, err := dial(a, row.user, "INBOX")
			if err != nil {
				return err
			}
			began := time.Now()
			err = c.drain(envelopes)
			took[i] = time.Since(began)
			c.close()
			if err != nil {
				return err
			}
		}
		*row.t = append(*row.t, took)
	}
	return nil
}

// appendLetters has a server take n letters.
func (b *bench) appendLetters(addr, user string, n int) error {
	clients := make([]*client, 4)
	for i := range clients {
		c, err := dial(addr, user, "")
		if err != nil {
			return err
		}
		defer c.close()
		clients[i] = c
	}
	_, err := rate(len(clients), n, func(w, i int) error { return clients[w].append("INBOX", letter(i)) })
	return err
}

// turns are the times of ours and theirs in each round.
type turns [][2]time.Duration

// sum returns the median times, and of the ratio of each round the lowest, the median and the highest.
func (t turns) sum() (ours, theirs time.Duration, low, mid, high float64) {
	var a, b []time.Duration
	var r []float64
	for _, x := range t {
		a, b, r = append(a, x[0]), append(b, x[1]), append(r, float64(x[1])/float64(x[0]))
	}
	slices.Sort(a)
	slices.Sort(b)
	slices.Sort(r)
	return a[len(a)/2], b[len(b)/2], r[0], r[len(r)/2], r[len(r)-1]
}
