package main

import (
	"flag"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/franzi-kafka/franzi/gen"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/spec"
)

const modulePath = "github.com/franzi-kafka/franzi"

// runCode generates. Without flags it writes this repository's own packages, from the spec/
// on disk.
func runCode(args []string) error {
	flags := flag.NewFlagSet("code", flag.ContinueOnError)
	only := flags.String("only", "", "")
	pkg := flags.String("package", "", "")
	out := flags.String("out", "", "")
	definitions := flags.String("definitions", "", "")
	rest, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(rest) != 0 {
		return fmt.Errorf("code takes no arguments but flags, not %q; %w", rest[0], errUsage)
	}
	if *only == "" && *pkg == "" && *out == "" && *definitions == "" {
		return writeRepository()
	}
	if *pkg == "" || *out == "" {
		return fmt.Errorf("code needs -package and -out to write for others; %w", errUsage)
	}
	if !token.IsIdentifier(*pkg) {
		return fmt.Errorf("%q cannot be the name of a package; %w", *pkg, errUsage)
	}
	var own fs.FS
	if *definitions != "" {
		if _, err := os.Stat(*definitions); err != nil {
			return err
		}
		own = os.DirFS(*definitions)
	}
	m, err := model.LoadWith(spec.FS, own)
	if err != nil {
		return err
	}
	files, err := gen.Write(m, gen.Options{Package: *pkg, Only: split(*only)})
	if err != nil {
		return err
	}
	return gen.WriteDir(*out, files)
}

func split(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// homeFolder of spec/ has the messages of package kmsg; all others are in kmsg/state.
const homeFolder = "clients"

func writeRepository() error {
	if _, err := os.Stat(filepath.Join("spec", "releases.json")); err != nil {
		return fmt.Errorf("there is no spec/ here: run this at the root of the repository, or give -package and -out")
	}
	m, err := model.Load(os.DirFS("spec"))
	if err != nil {
		return err
	}
	var home, state []string
	for _, msg := range m.Messages {
		if msg.Folder == homeFolder {
			home = append(home, msg.Def.Name)
		} else {
			state = append(state, msg.Def.Name)
		}
	}
	kmsg, err := gen.Write(m, gen.Options{Package: "kmsg", ImportPath: modulePath + "/kmsg", Only: home})
	if err != nil {
		return err
	}
	tables, err := gen.WriteTables(m, homeFolder)
	if err != nil {
		return err
	}
	for name, data := range tables {
		kmsg[name] = data
	}
	records, err := gen.Write(m, gen.Options{Package: "state", ImportPath: modulePath + "/kmsg/state", Only: state})
	if err != nil {
		return err
	}
	table, err := gen.WriteRecordTable(m, homeFolder)
	if err != nil {
		return err
	}
	records["constructors.go"] = table
	synthetic, err := writeSynthetic()
	if err != nil {
		return err
	}
	for dir, files := range map[string]map[string][]byte{
		"kmsg":                    kmsg,
		"kmsg/state":              records,
		"kmsg/internal/synthetic": synthetic,
	} {
		if err := gen.WriteDir(filepath.FromSlash(dir), files); err != nil {
			return err
		}
	}
	return nil
}

// writeSynthetic generates the messages that only tests have: corners of the definition
// language that no message of Kafka's uses.
func writeSynthetic() (map[string][]byte, error) {
	m, err := model.LoadWith(os.DirFS("spec"), os.DirFS(filepath.Join("testdata", "synthetic")))
	if err != nil {
		return nil, err
	}
	return gen.Write(m, gen.Options{Package: "synthetic", ImportPath: modulePath + "/kmsg/internal/synthetic"})
}
