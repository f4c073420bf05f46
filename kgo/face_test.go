package kgo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// files parses the files of the package, tests or the others.
func files(t *testing.T, tests bool) (all []*ast.File) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") != tests {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

// receiver is the type that a method belongs to, "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	x := d.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	id, ok := x.(*ast.Ident)
	if !ok {
		return "?"
	}
	return id.Name
}

// Whatever a user can call is in a runnable example, and whatever can be seen is documented.
func TestFaceIsShown(t *testing.T) {
	shown := map[string]bool{}
	for _, f := range files(t, true) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Example") {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "kgo" {
						shown["kgo."+s.Sel.Name] = true
					}
					shown["."+s.Sel.Name] = true
				}
				return true
			})
		}
	}
	// Package errors, fmt and io call these.
	called := []string{"Error", "Unwrap", "Is", "String"}
	for _, f := range files(t, false) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				for _, name := range undocumented(d) {
					t.Errorf("%s is not documented", name)
				}
				continue
			}
			of, name := receiver(fn), fn.Name.Name
			if !ast.IsExported(name) || of != "" && !ast.IsExported(of) {
				continue
			}
			if fn.Doc == nil {
				t.Errorf("%s %s is not documented", of, name)
			}
			switch {
			case of == "" && !shown["kgo."+name]:
				t.Errorf("%s is in no example", name)
			case of != "" && !shown["."+name] && !slices.Contains(called, name):
				t.Errorf("%s.%s is in no example", of, name)
			}
		}
	}
}

// undocumented lists what a declaration exports without a comment.
func undocumented(d ast.Decl) (names []string) {
	gen, ok := d.(*ast.GenDecl)
	if !ok {
		return nil
	}
	for _, spec := range gen.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && gen.Doc == nil {
				names = append(names, s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && s.Doc == nil && s.Comment == nil && gen.Doc == nil {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}
