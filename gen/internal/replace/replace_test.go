package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// folder makes a folder with files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// contents lists files with their text, and folders with a slash.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return err
		case d.IsDir():
			all[name+"/"] = ""
			return nil
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFiles(t *testing.T) {
	dir := folder(t, map[string]string{"a": "old", "b/c": "gone", "b/d/e": "gone", "f/g": "gone", "f/h": "stays"})
	err := Files(dir, map[string][]byte{"a": []byte("new"), "x/y/z": []byte("first")}, []string{"b/d/e", "b/c", "f/g"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "new", "x/": "", "x/y/": "", "x/y/z": "first", "f/": "", "f/h": "stays"}
	if d := cmp.Diff(contents(t, dir), want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

// The folder itself is made if it is missing.
func TestFilesInNewFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := Files(dir, map[string][]byte{"c": []byte("d")}, nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(contents(t, dir), map[string]string{"c": "d"}); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

// What cannot be written leaves all as it was, also folders.
func TestFilesFails(t *testing.T) {
	for name, files := range map[string]map[string][]byte{
		"a folder is in the way of the new file": {"a": []byte("new"), "n/o/p": []byte("new"), "z": []byte("new")},
		"a file is in the way of a folder":       {"a": []byte("new"), "n/o/p": []byte("new"), "plain/z": []byte("new")},
	} {
		dir := folder(t, map[string]string{"a": "old", "z.new/x": "in the way", "plain": "no folder"})
		before := contents(t, dir)
		err := Files(dir, files, []string{"a"})
		if err == nil || !strings.HasPrefix(err.Error(), "nothing was changed: ") {
			t.Errorf("%s: got %v, want an error that says that nothing was changed", name, err)
		}
		if d := cmp.Diff(contents(t, dir), before); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
	}
}

// Where files cannot be replaced the error says so, and no half of a file is left.
func TestFilesCannotReplace(t *testing.T) {
	dir := folder(t, map[string]string{"a": "old", "m/x": "a folder with something in it", "z": "old"})
	err := Files(dir, map[string][]byte{"a": []byte("new"), "m": []byte("new"), "z": []byte("new")}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "only a part of the files was replaced, do it again: ") {
		t.Errorf("got %v", err)
	}
	want := map[string]string{"a": "new", "m/": "", "m/x": "a folder with something in it", "z": "old"}
	if d := cmp.Diff(contents(t, dir), want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	err = Files(dir, nil, []string{"none"})
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "only a part of the files was removed, do it again: ") {
		t.Errorf("removing what is not there: got %v", err)
	}
}
