package takeover

import (
	"fmt"
	"strings"
)

// confExt is a file as 2.3 has them for directories, databases and tokens, dovecot-ldap.conf.ext, which this server reads, too.
type confExt struct{ strings.Builder }

// set writes a setting, in quotes where its value would be another without.
func (c *confExt) set(name, value string) {
	if strings.Contains(value, "#") || strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'") || strings.HasSuffix(value, `\`) || value != strings.TrimSpace(value) {
		value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	}
	c.WriteString(strings.TrimRight(name+" = "+value, " ") + "\n")
}

// put is set for what isn't empty.
func (c *confExt) put(name, value string) {
	if value != "" {
		c.set(name, value)
	}
}

// keep makes a file of it that the new main.cf names, and returns how. A second one of the name gets a number.
func (t *translation) keep(name string, c *confExt) string {
	base := name
	for n := 2; t.made[name+".conf.ext"] != ""; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	t.made[name+".conf.ext"] = c.String()
	return "$config_directory/" + name + ".conf.ext"
}

// of is a setting as it holds for a source: its own, or the one for all, which may have the kind and the driver in front of its name.
func (t *translation) of(d *database, kind, name string) setting {
	for i := len(d.options) - 1; i >= 0; i-- {
		if d.options[i].name == name {
			return d.options[i]
		}
	}
	for _, full := range []string{kind + "_" + d.driver + "_" + name, d.driver + "_" + name, kind + "_" + name, name} {
		for i := len(t.model.settings) - 1; i >= 0; i-- {
			if s := t.model.settings[i]; s.name == full && s.protocol == "" {
				return s
			}
		}
	}
	return setting{}
}

// hiddenOne reports whether a value is one that doveconf has kept to itself, which blocks.
func (t *translation) hiddenOne(about, s setting) bool {
	if s.hidden {
		t.find(Blocks, about, "make the file with doveconf -N -P", "a password is hidden")
	}
	return s.hidden
}
