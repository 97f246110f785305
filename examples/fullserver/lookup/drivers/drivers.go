// Package drivers has all types of tables that need other modules.
package drivers

import (
	"github.com/buuta/mail/examples/fullserver/lookup"
)

// All is for lookup.Options.Types.
func All() map[string]lookup.Opener {
	return map[string]lookup.Opener{}
}
