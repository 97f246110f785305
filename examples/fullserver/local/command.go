package local

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/buuta/mail/queue/pipe"
	"github.com/buuta/mail/smtp/rewrite"
)

// commands runs the |commands of a plan. The message is their input, and who it is for is in their environment, as local(8) has it.
func (t *agentTransaction) commands(ctx context.Context, p *plan) (string, error) {
	for _, d := range p.commands {
		if err := t.run(ctx, d); err != nil {
			return "", err
		}
	}
	if len(p.commands) == 0 {
		return "", nil
	}
	return "delivered to command: " + p.commands[0].text, nil
}

// run runs one.
func (t *agentTransaction) run(ctx context.Context, d destination) error {
	c := &pipe.Command{
		Args: t.a.words(d.text), Name: d.text, Plain: true, Env: t.environment(d), Timeout: t.a.Settings.CommandTime, User: t.a.Settings.Privs,
		ReturnPath: true, DeliveredTo: t.a.prepends("command"), Dir: "/",
	}
	_, err := t.through(ctx, c.To(""), d.address)
	return err
}

// drops reports whether a command of a user's runs as somebody who has no rights here. Where it doesn't, users have no commands: what this server
// may read is everybody's mail.
func (a *Agent) drops() bool {
	return os.Getuid() == 0 && a.Settings.Privs != "" && a.Settings.Privs != "root"
}

// words are a command's: run by itself where it is plain, and by a shell where something in it is the shell's.
func (a *Agent) words(command string) []string {
	if a.Settings.Shell != "" {
		return append(strings.Fields(a.Settings.Shell), "-c", command)
	}
	if strings.ContainsAny(command, "\"'`$;&|<>(){}[]*?~#=%\\!\n") || slices.Contains(builtins, strings.Fields(command + " :")[0]) {
		return []string{"/bin/sh", "-c", command}
	}
	return strings.Fields(command)
}

// builtins are commands that only a shell has.
var builtins = []string{":", ".", "cd", "exec", "exit", "export", "if", "for", "set", "trap", "umask", "unset", "while"}

// environment is a command's. What a stranger may have chosen is made of harmless characters (command_expansion_filter).
func (t *agentTransaction) environment(d destination) []string {
	local, domain := rewrite.Unquote(d.address), ""
	if i := strings.LastIndexByte(local, '@'); i >= 0 {
		local, domain = local[:i], local[i+1:]
	}
	user, ext := t.a.Policy.Now().Rules.Extension(local)
	env := []string{"PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"}
	for _, v := range [][2]string{
		{"SENDER", t.from}, {"RECIPIENT", rewrite.Unquote(t.to)}, {"ORIGINAL_RECIPIENT", strings.TrimPrefix(t.rcpt.OriginalRecipient, "rfc822;")}, {"LOCAL", local}, {"DOMAIN", domain},
		{"USER", user}, {"LOGNAME", user}, {"EXTENSION", strings.TrimLeft(ext, t.a.Settings.Delimiter)}, {"HOME", t.a.Policy.Now().Home(d.account)},
	} {
		if v[1] != "" {
			env = append(env, v[0]+"="+harmless(v[1]))
		}
	}
	return env
}

func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' || strings.ContainsRune("!@%-_=+:,./", r)) {
			return r
		}
		return '_'
	}, s)
}
