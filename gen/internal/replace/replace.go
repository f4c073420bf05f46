// Package replace changes many files as nearly at once as file systems allow.
package replace

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// suffix marks a new file that is not yet in its place.
const suffix = ".new"

// Files writes contents, by path below the folder dir, and removes the files of remove. All
// new files stand complete beside the old ones before the first of these is replaced, so
// that what cannot be written changes nothing. It makes folders, and removes those that it
// empties.
func Files(dir string, contents map[string][]byte, remove []string) error {
	place := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	names := slices.Sorted(maps.Keys(contents))
	var made []string // folders, outer before inner
	undo := func() {
		for _, name := range names {
			os.Remove(place(name) + suffix)
		}
		for _, folder := range slices.Backward(made) {
			os.Remove(folder)
		}
	}
	for _, name := range names {
		missing := missingFolders(filepath.Dir(place(name)))
		err := os.MkdirAll(filepath.Dir(place(name)), 0o755)
		made = append(made, missing...)
		if err == nil {
			err = os.WriteFile(place(name)+suffix, contents[name], 0o644)
		}
		if err != nil {
			undo()
			return fmt.Errorf("nothing was changed: %w", err)
		}
	}
	for i, name := range names {
		if err := os.Rename(place(name)+suffix, place(name)); err != nil {
			names = names[i:]
			undo()
			return fmt.Errorf("only a part of the files was replaced, do it again: %w", err)
		}
	}
	for _, name := range remove {
		if err := os.Remove(place(name)); err != nil {
			return fmt.Errorf("only a part of the files was removed, do it again: %w", err)
		}
		_ = os.Remove(filepath.Dir(place(name))) // goes if it is empty now
	}
	return nil
}

// missingFolders lists the folders on the way to one that do not exist, outer before inner.
func missingFolders(folder string) []string {
	var missing []string
	for {
		if _, err := os.Lstat(folder); err == nil || !os.IsNotExist(err) {
			break
		}
		missing = append(missing, folder)
		folder = filepath.Dir(folder)
	}
	slices.Reverse(missing)
	return missing
}
