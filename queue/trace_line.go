package queue

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// eventLine is what qmgr, the delivery agents and bounce write to Postfix's log.
func eventLine(e *Event) string {
	switch e.Kind {
	case EventActive:
		return fmt.Sprintf("%s: from=<%s>, size=%d, nrcpt=%d (queue active)", e.ID, e.From, e.Size, e.Recipients)
	case EventAttempt:
		return attemptLine(e)
	case EventExpired:
		return fmt.Sprintf("%s: from=<%s>, status=expired, returned to sender", e.ID, e.From)
	case EventNotified:
		kind := "non-delivery"
		switch e.Notification {
		case mail.NotifyDelay:
			kind = "delay"
		case mail.NotifySuccess:
			kind = "delivery status"
		}
		who := "sender"
		if e.From == "" {
			who = "postmaster"
		}
		return fmt.Sprintf("%s: %s %s notification: %s", e.ID, who, kind, e.NewID)
	case EventRemoved:
		return e.ID + ": removed"
	case EventCorrupt:
		return fmt.Sprintf("%s: damaged queue file set aside: %v", e.ID, e.Err)
	}
	return ""
}

func attemptLine(e *Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: to=<%s>, ", e.ID, e.Recipient)
	if e.OriginalRecipient != "" {
		fmt.Fprintf(&b, "orig_to=<%s>, ", e.OriginalRecipient)
	}
	text, code := e.Detail, ""
	if e.Reply != nil {
		code = enhancedOf(e.Reply).String()
		if text == "" {
			text = e.Reply.String()
		}
	}
	fmt.Fprintf(&b, "relay=%s, delay=%s, delays=%s, dsn=%s, status=%s (%s)",
		e.Relay, FormatDelay(e.Delays.Total()), e.Delays, code, e.Status, oneLine(text))
	return b.String()
}

// String writes the delays as Postfix does: "126/0.02/13/3.5".
func (d Delays) String() string {
	return FormatDelay(d.Before) + "/" + FormatDelay(d.Active) + "/" + FormatDelay(d.Connect) + "/" + FormatDelay(d.Transmit)
}

// FormatDelay writes a delay in seconds with two significant digits after rounding, and none below 0.01 s
// (delay_logging_resolution_limit 2): "143", "13", "3.5", "0.02", "0".
func FormatDelay(d time.Duration) string {
	if d <= 0 {
		return "0"
	}
	s := d.Seconds()
	digits := 0
	switch {
	case s < 1:
		digits = 2
	case s < 10:
		digits = 1
	}
	p := math.Pow10(digits)
	text := strconv.FormatFloat(math.Round(s*p)/p, 'f', digits, 64)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// enhancedOf is a reply's enhanced code, or the one that its class stands for.
func enhancedOf(r *mail.Reply) mail.EnhancedCode {
	if r.Enhanced != (mail.EnhancedCode{}) {
		return r.Enhanced
	}
	return mail.EnhancedCode{r.Code / 100, 0, 0}
}

// oneLine keeps a text from breaking out of a line of a log or a queue file.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
