package config

// Process is what the program may do on its machine.
type Process struct {
	Owner       string
	Confine     bool
	Read, Write []string
}
