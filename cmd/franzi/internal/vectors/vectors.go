// Package vectors reads testdata/vectors, for tests: messages that Kafka's own classes wrote.
package vectors

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// A Vector is a message.
type Vector struct {
	Message string
	Version int16
	JSON    string // as Kafka writes it
	Hex     string // its bytes
}

// Read returns all messages. Root is the repository's.
func Read(root string) ([]Vector, error) {
	dir := os.DirFS(filepath.Join(root, "testdata", "vectors"))
	files, err := fs.Glob(dir, "*.tsv.gz")
	if err != nil {
		return nil, err
	}
	var all []Vector
	for _, file := range files {
		if strings.HasPrefix(path.Base(file), "batch-") {
			continue // no messages
		}
		if all, err = appendFile(all, dir, file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no vectors")
	}
	return all, nil
}

func appendFile(all []Vector, dir fs.FS, file string) ([]Vector, error) {
	f, err := dir.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\t")
		if len(parts) != 4 {
			return nil, fmt.Errorf("%d columns in %q", len(parts), lines.Text())
		}
		version, err := strconv.ParseInt(parts[1], 10, 16)
		if err != nil {
			return nil, err
		}
		all = append(all, Vector{parts[0], int16(version), parts[2], parts[3]})
	}
	return all, lines.Err()
}
