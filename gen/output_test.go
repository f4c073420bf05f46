package gen

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const generated = header + "A.json. DO NOT EDIT.\n\npackage x\n"

// put makes files in a folder.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// found has the text of each file in a folder.
func found(t *testing.T, dir string) map[string]string {
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

// Files of earlier generations go, files of people stay.
func TestWriteDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "wire")
	first := map[string][]byte{"a.go": []byte(generated), "b.go": []byte(generated + "// b"), "internal/c/c.go": []byte(generated)}
	if err := WriteDir(dir, first); err != nil {
		t.Fatal(err)
	}
	people := map[string]string{"by_hand.go": "package x\n", "doc.txt": generated, "internal/d.go": generated, "internal/c/c_test.go": "package c\n"}
	put(t, dir, people)
	second := map[string][]byte{"a.go": []byte(generated + "// new"), "internal/c/d.go": []byte(generated)}
	if err := WriteDir(dir, second); err != nil {
		t.Fatal(err)
	}
	want := people // internal/d.go is in no folder that the files are in
	for name, data := range second {
		want[name] = string(data)
	}
	if d := cmp.Diff(found(t, dir), want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

// What is as it should be is not written again.
func TestWriteDirAgain(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{"a.go": []byte(generated), "b.go": []byte(generated)}
	if err := WriteDir(dir, files); err != nil {
		t.Fatal(err)
	}
	a := filepath.Join(dir, "a.go")
	before, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	files["b.go"] = []byte(generated + "// new")
	if err := WriteDir(dir, files); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("a file that did not change was written")
	}
}

// What cannot be written changes nothing, whatever else there is to write and to delete.
func TestWriteDirFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		there map[string]string
		want  string
	}{
		{"a file by hand has the name", map[string]string{"m.go": "package x\n"}, "m.go was not generated: move it, or choose another folder"},
		{"a folder has the name", map[string]string{"m.go/x": ""}, "m.go"},
		{"a file has the name of a folder", map[string]string{"n": ""}, "n"},
		{"the new file cannot be made", map[string]string{"z.go.new/x": ""}, "nothing was changed: "},
	} {
		dir := t.TempDir()
		put(t, dir, tt.there)
		put(t, dir, map[string]string{"a.go": generated + "// old", "stale.go": generated})
		before := found(t, dir)
		err := WriteDir(dir, map[string][]byte{"a.go": []byte(generated), "m.go": []byte(generated), "n/n.go": []byte(generated), "z.go": []byte(generated)})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error that says %q", tt.name, err, tt.want)
		}
		if d := cmp.Diff(found(t, dir), before); d != "" {
			t.Errorf("%s (-got +want):\n%s", tt.name, d)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	put(t, filepath.Dir(file), map[string]string{"file": ""})
	if err := WriteDir(file, map[string][]byte{"a.go": []byte(generated)}); err == nil {
		t.Error("a file was taken for a folder")
	}
}
