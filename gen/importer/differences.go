package importer

import (
	"fmt"
	"slices"

	"github.com/franzi-kafka/franzi/gen/def"
)

// differences is differences.json: where spec/ knowingly departs from what a release says.
type differences struct {
	// Dropped lists messages that spec/ leaves out.
	Dropped []dropped `json:"dropped"`
	// Layouts lists versions whose bytes were redefined after their release.
	Layouts []layout `json:"layouts"`
}

type dropped struct {
	Message  string `json:"message"`
	Releases string `json:"releases"`
	Reason   string `json:"reason"`
}

type layout struct {
	Message  string `json:"message"`
	Versions string `json:"versions"`
	Releases string `json:"releases"` // "3.9" or "2.2-2.7", as released before the change
	Reason   string `json:"reason"`
}

func parseDifferences(data []byte) (differences, error) {
	var known differences
	if err := readJSON(data, &known); err != nil {
		return known, err
	}
	for _, l := range known.Layouts {
		if _, err := def.ParseVersions(l.Versions); err != nil {
			return known, fmt.Errorf("%s: %w", l.Message, err)
		}
	}
	return known, nil
}

func (d differences) isDropped(message string) bool {
	return slices.ContainsFunc(d.Dropped, func(x dropped) bool { return x.Message == message })
}
