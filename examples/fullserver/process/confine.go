package process

// Paths are what a confined process still sees.
type Paths struct {
	Read     []string // files and folders with all in them; what is missing is passed over
	Write    []string // the same, read and written; they must be there
	Commands bool     // programs of the system's folders may be run
}
