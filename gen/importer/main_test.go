package importer

import (
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars/jarstest"
)

// update is for those who have changed what imports write, and have read the difference.
var update = flag.Bool("update", false, "write testdata/merged and testdata/reports")

func TestMain(m *testing.M) { jarstest.Main(m) }

// install makes the releases of testdata all that there are.
func install(t *testing.T) {
	t.Helper()
	jarstest.Install(t, filepath.Join("testdata", "releases"))
}

// emptySpec returns a folder that has overlays and known differences, and no facts.
func emptySpec(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "empty"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// imported returns a folder into which the releases were imported, in that order.
func imported(t *testing.T, releases ...string) string {
	t.Helper()
	dir := emptySpec(t)
	order := strings.Join(releases, " ")
	if files, ok := importedBefore[order]; ok {
		for name, data := range files {
			writeFile(t, dir, name, data)
		}
		return dir
	}
	for _, release := range releases {
		mustImport(t, dir, release)
	}
	importedBefore[order] = contents(t, dir)
	return dir
}

// importedBefore has the files that imported made, by the order of releases: starting java
// for each again would take most of the tests' time.
var importedBefore = map[string]map[string]string{}

func mustImport(t *testing.T, dir, release string) string {
	t.Helper()
	report, err := Import(t.Context(), dir, release)
	if err != nil {
		t.Fatalf("importing %s: %v", release, err)
	}
	return text(t, report)
}

// text is what a report writes.
func text(t *testing.T, report io.WriterTo) string {
	t.Helper()
	var b strings.Builder
	if _, err := report.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// contents has the text of each file below a folder, by its path.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// golden compares with a file of testdata.
func golden(t *testing.T, got, file string) {
	t.Helper()
	file = filepath.Join("testdata", filepath.FromSlash(file))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, string(want)); d != "" {
		t.Errorf("%s (-got +want):\n%s", file, d)
	}
}

// writeFile changes a file of a spec.
func writeFile(t *testing.T, dir, name, data string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit changes a part of a file of a spec, which must be there once.
func edit(t *testing.T, dir, name, from, to string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(data), from) != 1 {
		t.Fatalf("%s has %q %d times, want it once", name, from, strings.Count(string(data), from))
	}
	writeFile(t, dir, name, strings.Replace(string(data), from, to, 1))
}

// wantError wants an error that says all the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got the error %v\nwant it to say %q", err, part)
		}
	}
}
