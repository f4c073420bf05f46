// Command readme proves the commands and programs of a Markdown file: it runs each ```sh block
// with sh -e in the current folder, and builds each ```go block that is a whole program
// against the module there. It stops at the first that fails.
//
//	go run ./.ci/readme README.md
//
// What must not be run here is in a ```console block. A block whose first line is
// "# needs NAME" is run only with -with NAME.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	with := flag.String("with", "", "also run blocks that need `NAME`")
	flag.Parse()
	for _, file := range flag.Args() {
		if err := prove(file, *with); err != nil {
			fmt.Fprintln(os.Stderr, "readme:", err)
			os.Exit(1)
		}
	}
}

// A block is fenced code.
type block struct {
	line int
	lang string
	text string
}

func prove(file, with string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	blocks, err := blocksOf(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	proved := 0
	for _, b := range blocks {
		need, _ := strings.CutPrefix(b.firstLine(), "# needs ")
		if need == b.firstLine() {
			need = ""
		}
		var run func(block) error
		switch {
		case need != "" && need != with:
			continue
		case b.lang == "sh":
			run = shell
		case b.lang == "go" && strings.Contains(b.text, "\nfunc main()"):
			run = build
		default:
			continue
		}
		begin := time.Now()
		if err := run(b); err != nil {
			return fmt.Errorf("%s:%d: %w", file, b.line, err)
		}
		proved++
		fmt.Fprintf(os.Stderr, "readme: %s:%d holds, %v\n", file, b.line, time.Since(begin).Round(time.Second))
	}
	if proved == 0 {
		return fmt.Errorf("%s has nothing to prove", file)
	}
	return nil
}

func (b block) firstLine() string {
	line, _, _ := strings.Cut(b.text, "\n")
	return line
}

// blocksOf finds the fenced code of Markdown.
func blocksOf(data []byte) ([]block, error) {
	var blocks []block
	var open *block
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		lang, fence := strings.CutPrefix(lines.Text(), "```")
		switch {
		case fence && open == nil:
			open = &block{line: n, lang: strings.TrimSpace(lang)}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += lines.Text() + "\n"
		}
	}
	if open != nil {
		return nil, fmt.Errorf("the block of line %d has no end", open.line)
	}
	return blocks, lines.Err()
}

func shell(b block) error {
	cmd := exec.Command("sh", "-e")
	cmd.Stdin = strings.NewReader(b.text)
	return quietly(cmd)
}

// build compiles a program in a folder of this module, which sees all its packages.
func build(b block) error {
	dir, err := os.MkdirTemp(".", "readme-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(b.text), 0o644); err != nil {
		return err
	}
	return quietly(exec.Command("go", "vet", "./"+dir))
}

// quietly runs a command and shows what it said only if it fails.
func quietly(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
