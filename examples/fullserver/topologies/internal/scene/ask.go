package scene

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// tables asks every table of the folder about every address, its local part and its domain.
func (h *Host) tables(to []string) map[string]string {
	h.t.Helper()
	var keys []string
	for _, a := range to {
		if strings.ContainsAny(a, "\r\n") || a == "" {
			continue
		}
		local, domain := a, ""
		if i := strings.LastIndexByte(a, '@'); i >= 0 {
			local, domain = a[:i], a[i+1:]
		}
		for _, key := range []string{a, local, domain, "@" + domain} {
			if key != "" && key != "@" && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	out := map[string]string{}
	main := Run(h.t, []string{"-c", h.Dir + "/etc/main.cf"}, "postconf", "-n")
	for _, m := range regexp.MustCompile(`(hash|regexp|cidr):\$config_directory/([\w.-]+)`).FindAllStringSubmatch(main, -1) {
		if strings.HasPrefix(m[2], "alias") && m[2] == "aliases" || m[2] == "known" || m[1] == "cidr" {
			continue // aliases(5) has a syntax of its own
		}
		cmd := exec.Command(binary, "postmap", "-q", "-", m[1]+":"+h.Dir+"/etc/"+m[2])
		if h.kind == "Debian" {
			cmd = exec.Command("postmap", "-c", h.Dir+"/etc", "-q", "-", m[1]+":"+h.Dir+"/etc/"+m[2])
		}
		cmd.Stdin = strings.NewReader(strings.Join(keys, "\n") + "\n")
		b, err := cmd.Output()
		if e, is := err.(*exec.ExitError); err != nil && (!is || e.ExitCode() != 1 || len(bytes.TrimSpace(e.Stderr)) > 0 && h.kind != "Debian") {
			h.t.Errorf("postmap -q of %s: %v", m[2], err)
		}
		out[m[2]] = string(b)
	}
	return out
}

// plain are addresses that are written in one way only.
var plain = regexp.MustCompile(`^[a-z][a-z+-]*@[a-z0-9.-]+[a-z]$`)

// verified asks sendmail -bv. Debian's says in the log, and by mail, what it has found out about each of those whom an address stands for.
func (h *Host) verified(sender string, ask []string, k *sinks) map[string]string {
	h.t.Helper()
	out := map[string]string{}
	verdict := func(a string, bad bool) {
		if out[a] = "deliverable"; bad {
			out[a] = "undeliverable"
		}
	}
	if h.kind == "fullserver" {
		text, _ := Try(h.t, h.Args("data_directory="+h.Dir+"/data"), append([]string{"sendmail", "-bv", "-f", "sender@example.org"}, ask...)...)
		for _, a := range ask {
			if !strings.Contains(text, a+"... ") {
				h.t.Errorf("sendmail -bv says nothing of %s", a)
			}
			verdict(a, !strings.Contains(text, a+"... deliverable\n"))
		}
		return out
	}
	b, err := exec.Command("/usr/sbin/sendmail", append([]string{"-C", h.Dir + "/etc", "-bv", "-f", sender}, ask...)...).CombinedOutput()
	require.NoError(h.t, err, "%s", b)
	Eventually(h.t, func() error { // the report
		if len(k.all()) == 0 {
			return errors.New("sendmail -bv has not reported")
		}
		return nil
	})
	h.drained(nil)
	k.all()
	log := h.Log()
	for _, a := range ask { // of a list of users here it tells of the users alone
		found := regexp.MustCompile(`to=<(?:[^>]*>, orig_to=<)?`+regexp.QuoteMeta(a)+`>, [^\n]*status=(un)?deliverable`).FindAllStringSubmatch(log, -1)
		if found != nil {
			verdict(a, slices.ContainsFunc(found, func(m []string) bool { return m[1] != "" }))
		}
	}
	return out
}

var (
	began = regexp.MustCompile(`qmgr\[\d+\]: (\w+): from=<|notification: (\w+)|\(forwarded as (\w+)`)
	ended = regexp.MustCompile(`qmgr\[\d+\]: (\w+): removed|: (\w+): to=<[^\n]*status=deferred`)
)

// drained waits until the messages with these ids, "" for none, and all others in the log have been delivered, returned or put off.
func (h *Host) drained(ids []string) {
	h.t.Helper()
	last := 0
	Eventually(h.t, func() error {
		log := h.Log()
		open := map[string]bool{}
		for _, id := range ids {
			open[id] = true
		}
		for _, m := range began.FindAllStringSubmatch(log, -1) {
			open[m[1]+m[2]+m[3]] = true
		}
		delete(open, "")
		for _, m := range ended.FindAllStringSubmatch(log, -1) {
			delete(open, m[1]+m[2])
		}
		if len(open) > 0 || len(log) != last || len(log) == 0 {
			last = len(log)
			return fmt.Errorf("%d messages are on their way", len(open))
		}
		return nil
	})
}
