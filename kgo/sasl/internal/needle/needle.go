// Package needle looks for secrets in whatever can be made of a value. It is for tests.
package needle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// In reports whether text shows the secret: as it is, in hexadecimal, in decimal, or in base64.
func In(text, secret string) bool {
	b := []byte(secret)
	forms := []string{
		secret,
		fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprintf("% x", b),
		strings.Trim(fmt.Sprint(b), "[]"),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}"),
	}
	for cut := range 3 { // base64 of a longer text that has the secret at any place
		inner := b[cut:]
		inner = inner[:len(inner)/3*3]
		forms = append(forms, base64.StdEncoding.EncodeToString(inner), base64.URLEncoding.EncodeToString(inner))
	}
	for _, f := range forms {
		if strings.Contains(text, f) {
			return true
		}
	}
	return false
}

// Prints returns what becomes of a value, and of what it points to, by all verbs of package fmt,
// as JSON and XML, and in logs: by itself, and inside of other values, where package fmt cannot
// call its methods.
func Prints(v any) map[string]string {
	values := map[string]any{}
	add := func(what string, v any) {
		values[what] = v
		values["slice of the "+what] = []any{v}
		values["field with the "+what] = struct{ X any }{v}
		values["private field with the "+what] = struct{ x any }{v}
		values["pointer to a private field with the "+what] = &struct{ x any }{v}
	}
	add("value", v)
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		add("value pointed to", p.Elem().Interface())
	}
	shown := map[string]string{}
	for where, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%e", "%c", "%U", "%b", "%o", "%p", "%T"} {
			shown[verb+" of the "+where] = fmt.Sprintf(verb, value)
		}
		for name, marshal := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "XML": xml.Marshal} {
			text, err := marshal(value)
			shown[name+" of the "+where] = fmt.Sprintf("%s %v", text, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "value", value, slog.Group("g", "value", value))
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "value", value, slog.Group("g", "value", value))
		shown["log of the "+where] = log.String()
	}
	return shown
}

// ExportedTypes returns the names of the types that the Go source in a folder exports, so that a
// test can see whether it has them all.
func ExportedTypes(folder string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				for _, s := range g.Specs {
					if name := s.(*ast.TypeSpec).Name; name.IsExported() {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no exported type in " + folder)
	}
	return names, nil
}
