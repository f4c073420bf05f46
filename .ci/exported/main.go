// Command exported lists exported names without documentation in the folders it is given,
// and fails if there are any:
//
//	go run ./.ci/exported kbin kmsg/...
//
// Names in a group of constants or variables may share the group's comment; fields and methods
// of interfaces, which often say all by their names, their type's. Tests, generated files and
// package main are left out, the last because nobody can import it.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	var bare []string
	for _, arg := range os.Args[1:] {
		root, deep := strings.CutSuffix(arg, "/...")
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "testdata" || path != root && !deep):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			names, err := undocumented(path)
			bare = append(bare, names...)
			return err
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, "exported:", err)
			os.Exit(2)
		}
	}
	for _, name := range bare {
		fmt.Println(name)
	}
	if len(bare) > 0 {
		fmt.Fprintf(os.Stderr, "exported: %d exported names have no documentation\n", len(bare))
		os.Exit(1)
	}
}

// undocumented returns the places and names of a file that have no comment.
func undocumented(path string) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || file.Name.Name == "main" || ast.IsGenerated(file) {
		return nil, err
	}
	c := checker{files: files}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if receiver, ok := receiverOf(d); d.Doc == nil && (!ok || ast.IsExported(receiver)) {
				c.need(d.Name, strings.TrimPrefix(receiver+".", "."))
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				c.spec(d, spec)
			}
		}
	}
	return c.bare, nil
}

type checker struct {
	files *token.FileSet
	bare  []string
}

// need notes a name if it is exported.
func (c *checker) need(name *ast.Ident, of string) {
	if name.IsExported() {
		c.bare = append(c.bare, fmt.Sprintf("%s: %s%s", c.files.Position(name.Pos()), of, name.Name))
	}
}

func (c *checker) spec(d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Doc == nil && d.Doc == nil {
			c.need(s.Name, "")
		}
	case *ast.ValueSpec:
		if s.Doc == nil && s.Comment == nil && d.Doc == nil {
			for _, name := range s.Names {
				c.need(name, "")
			}
		}
	}
}

// receiverOf is the type that a method belongs to.
func receiverOf(d *ast.FuncDecl) (string, bool) {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return "", false
	}
	t := d.Recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
		case *ast.IndexExpr:
			t = u.X
		case *ast.IndexListExpr:
			t = u.X
		case *ast.Ident:
			return u.Name, true
		default:
			return "", true
		}
	}
}
