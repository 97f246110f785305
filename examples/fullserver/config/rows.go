package config

// What a row of the table says about a parameter of Postfix's: it works here as Postfix documents it, it is refused when it asks for what this
// server doesn't do, or it changes nothing, which is told to whoever sets it.

type field = func(*Settings) any

func works(group, name string, kind Kind, def string, into field, help string) Param {
	return Param{Name: name, Group: group, Kind: kind, Default: def, into: into, Help: help}
}

// choice is works for a parameter with a list of values.
func choice(group, name string, kind Kind, def string, choices []string, into field, help string) Param {
	return Param{Name: name, Group: group, Kind: kind, Default: def, Choices: choices, into: into, Help: help}
}

// bounded is works for a number or time with a least and a greatest value.
func bounded(group, name string, kind Kind, def string, least, most int64, into field, help string) Param {
	return Param{Name: name, Group: group, Kind: kind, Default: def, Min: least, Max: most, into: into, Help: help}
}

// refused is a parameter that may have its default, or one of some values that ask for nothing more, and no other.
func refused(name string, kind Kind, def, instead string, harmless ...string) Param {
	return Param{Name: name, Group: "Not here", Kind: kind, Default: def, Refuse: instead, Harmless: harmless, Help: "Refused: " + instead + "."}
}

// inert is a parameter that has no meaning here, whatever it says.
func inert(name string, kind Kind, def, why string) Param {
	return Param{Name: name, Group: "Not here", Kind: kind, Default: def, Inert: why, Help: "Changes nothing: " + why + "."}
}

func raw(p Param) Param {
	p.Raw = true
	return p
}
