package maillog

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
)

// Logger returns a slog.Logger that writes what is at least level as lines of a program: "warning: text: key=value".
func (l *Log) Logger(program string, level slog.Leveler) *slog.Logger {
	return slog.New(&handler{log: l, program: program, level: level})
}

// handler is the slog side of a Log.
type handler struct {
	log     *Log
	program string
	level   slog.Leveler
	attrs   string
	group   string
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return h.level == nil && level >= slog.LevelInfo || h.level != nil && level >= h.level.Level()
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	switch {
	case r.Level >= slog.LevelError:
		b.WriteString("error: ")
	case r.Level >= slog.LevelWarn:
		b.WriteString("warning: ")
	}
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		appendAttr(&b, h.group, a)
		return true
	})
	h.log.Print(h.program, b.String())
	return nil
}

func appendAttr(b *strings.Builder, group string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, g := range v.Group() {
			appendAttr(b, group+a.Key+".", g)
		}
		return
	}
	s := v.String()
	if strings.ContainsAny(s, " =\"") {
		s = strconv.Quote(s)
	}
	b.WriteString(", " + group + a.Key + "=" + s)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		appendAttr(&b, h.group, a)
	}
	n := *h
	n.attrs += b.String()
	return &n
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	n := *h
	n.group += name + "."
	return &n
}
