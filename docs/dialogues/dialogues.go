// Package dialogues is the dialogues of this folder: one file a subject, in a folder for each protocol. How they are written,
// and what plays them, is examples/conformance/script.
package dialogues

import "embed"

// Files holds them.
//
//go:embed */*.txt
var Files embed.FS
