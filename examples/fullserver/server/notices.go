package server

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/dsn"
	"github.com/buuta/mail/mime/dsn/notice"
	"github.com/buuta/mail/queue"
	"golang.org/x/text/language"
)

// noticeOptions says to whom reports go, and in which words.
func (s *Server) noticeOptions() (queue.NotifyOptions, error) {
	n := &s.set.Notices
	o := queue.NotifyOptions{ReturnLimit: n.SizeLimit, LeastOrigin: mail.ParseOrigin(n.SureSenders), Compose: s.compose}
	address := map[string]*string{
		"bounce_notice_recipient": &n.BounceRecipient, "2bounce_notice_recipient": &n.DoubleRecipient,
		"delay_notice_recipient": &n.DelayRecipient, "double_bounce_sender": &n.DoubleBounceSender,
	}
	for name, a := range address {
		if *a = s.policy.Now().Rules.Complete(*a); strings.ContainsAny(*a, " \t<>") || strings.HasPrefix(strings.TrimPrefix(*a, `""`), "@") || *a == "" {
			return o, s.cfg.ErrorFor(name, errors.New("is no address"))
		}
	}
	bounce, delay := slices.Contains(n.Classes, "bounce"), slices.Contains(n.Classes, "delay")
	o.Copy = func(_ *queue.Message, kind mail.Notify) string {
		switch {
		case kind == mail.NotifyFailure && bounce:
			return n.BounceRecipient
		case kind == mail.NotifyDelay && delay:
			return n.DelayRecipient
		}
		return ""
	}
	o.DoubleBounceSender = n.DoubleBounceSender
	if bounce || slices.Contains(n.Classes, "2bounce") {
		o.DoubleBounceTo = n.DoubleRecipient
	}
	return o, s.readWords()
}

// words are those of reports: the site's own in every language, or ours.
type words struct {
	site *notice.Set
	ours map[language.Tag]*notice.Set
}

// readWords reads bounce_template_file. What it held before stays in force when it can't be read.
func (s *Server) readWords() error {
	w := &words{ours: map[language.Tag]*notice.Set{language.English: notice.English(), language.Vietnamese: notice.Vietnamese()}}
	if file := s.set.Notices.TemplateFile; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return s.cfg.ErrorFor("bounce_template_file", err)
		}
		if w.site, err = notice.Parse(string(text)); err != nil {
			return s.cfg.ErrorFor("bounce_template_file", errors.New(file+": "+err.Error()))
		}
	}
	s.words.Store(w)
	return nil
}

// compose puts a report into words: for a sender in the language that his message names, for the postmaster in the site's.
func (s *Server) compose(_ *queue.Message, _ mail.Notify, r *dsn.Report) {
	w := s.words.Load()
	set := w.site
	if set == nil {
		tag := siteLanguage(s.set)
		if !r.Copy {
			tag = languageOf(r, tag)
		}
		set = w.ours[tag]
	}
	set.Apply(r, notice.Values{Domain: s.set.MyDomain, DelayWarning: s.set.DelayWarningTime, Lifetime: s.set.MaximalQueueLifetime})
}

func siteLanguage(set *config.Settings) language.Tag {
	if set.Notices.Language == "vi" {
		return language.Vietnamese
	}
	return language.English
}

// maxNoticeHeader is how much of a message is looked at for its language.
const maxNoticeHeader = 64 << 10

// languageOf is the language that whoever has sent a message reads: of those that he wants answers in (RFC 3282 section 3, Accept-Language)
// the first that there are words in, else that of the message itself, else what is said.
func languageOf(r *dsn.Report, otherwise language.Tag) language.Tag {
	if r.Return.Content == nil {
		return otherwise
	}
	var head bytes.Buffer
	_, err := io.CopyN(&head, r.Return.Content, maxNoticeHeader)
	rest := r.Return.Content
	if err != nil && err != io.EOF {
		rest = failing{err} // whoever reads the message finds out
	}
	text := bytes.Clone(head.Bytes())
	r.Return.Content = io.MultiReader(&head, rest)
	header := mime.ParseHeader(text, nil)
	for _, field := range []string{"Accept-Language", "Content-Language"} {
		value := header.Get(field)
		if value == "" || len(value) > 1000 {
			continue
		}
		tags, _, err := language.ParseAcceptLanguage(value)
		if err != nil {
			continue
		}
		for _, tag := range tags { // the most wanted first
			base, _ := tag.Base()
			for _, known := range []language.Tag{language.English, language.Vietnamese} {
				if b, _ := known.Base(); b == base {
					return known
				}
			}
		}
	}
	return otherwise
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
