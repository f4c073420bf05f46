// Package script plays the stories that the cores have in testdata: what a core is told, then,
// after four dashes, what it wants done. It is for their tests.
//
// Blocks have an empty line between them. With -update the files are written anew, to be read and
// judged.
package script

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the scripts of testdata do into them, to be read and judged")

// Files plays every file of testdata, as a test of its own. Play returns the text with what came
// out, which must be the text itself.
func Files(t *testing.T, play func(t *testing.T, text string) string) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(got, string(text)); diff != "" {
				t.Errorf("the story goes otherwise: got (-), want (+):\n%s", diff)
			}
		})
	}
}

// Blocks plays a text block by block and returns it with what came out of each. The dashes stay
// where they are even if nothing did. A block that begins with "== " begins a new story: begin is
// called for it, and for the first one.
func Blocks(text string, begin func(), play func(block string) (out []string)) string {
	var all strings.Builder
	for i, block := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		if i > 0 {
			all.WriteString("\n")
		}
		input, _, asks := strings.Cut(block, "\n----")
		if i == 0 || strings.HasPrefix(block, "== ") {
			begin()
		}
		all.WriteString(input + "\n")
		out := play(input)
		if asks || len(out) > 0 {
			all.WriteString("----\n")
		}
		for _, line := range out {
			all.WriteString(line + "\n")
		}
	}
	return all.String()
}
