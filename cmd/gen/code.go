package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	if flags.NFlag() == 0 {
		return writeRepository(".")
	}
	if *pkg == "" || *out == "" {
		return fmt.Errorf("code needs -package and -out to write for others; %w", errUsage)
	}
	names := split(*only)
	if isSet(flags, "only") && len(names) == 0 {
		return fmt.Errorf("-only names nothing: give it APIs or messages, like Fetch,Produce; %w", errUsage)
	}
	var own fs.FS
	if isSet(flags, "definitions") {
		info, err := os.Stat(*definitions)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no folder %s", *definitions)
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("-definitions takes a folder, and %s is a file", *definitions)
		}
		own = os.DirFS(*definitions)
	}
	m, err := model.LoadWith(spec.FS, own)
	if err != nil {
		return err
	}
	files, err := gen.Write(m, gen.Options{Package: *pkg, Only: names})
	if err != nil {
		return err
	}
	return gen.WriteDir(*out, files)
}

func isSet(flags *flag.FlagSet, name string) bool {
	set := false
	flags.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
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

func writeRepository(root string) error {
	packages, err := repository(root)
	if err != nil {
		return err
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if err := gen.WriteDir(filepath.Join(root, filepath.FromSlash(dir)), packages[dir]); err != nil {
			return err
		}
	}
	return nil
}

// repository generates the packages of the repository at root, by folder.
func repository(root string) (map[string]map[string][]byte, error) {
	spec := filepath.Join(root, "spec")
	if _, err := os.Stat(filepath.Join(spec, "releases.json")); err != nil {
		return nil, fmt.Errorf("there is no spec/ here: run this at the root of the repository, or give -package and -out")
	}
	m, err := model.Load(os.DirFS(spec))
	if err != nil {
		return nil, err
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
		return nil, err
	}
	tables, err := gen.WriteTables(m, homeFolder)
	if err != nil {
		return nil, err
	}
	maps.Copy(kmsg, tables)
	records, err := gen.Write(m, gen.Options{Package: "state", ImportPath: modulePath + "/kmsg/state", Only: state})
	if err != nil {
		return nil, err
	}
	if records["constructors.go"], err = gen.WriteRecordTable(m, homeFolder); err != nil {
		return nil, err
	}
	synthetic, err := writeSynthetic(root)
	if err != nil {
		return nil, err
	}
	return map[string]map[string][]byte{"kmsg": kmsg, "kmsg/state": records, "kmsg/internal/synthetic": synthetic}, nil
}

// writeSynthetic generates the messages that only tests have: corners of the definition
// language that no message of Kafka's uses.
func writeSynthetic(root string) (map[string][]byte, error) {
	m, err := model.LoadWith(os.DirFS(filepath.Join(root, "spec")), os.DirFS(filepath.Join(root, "testdata", "synthetic")))
	if err != nil {
		return nil, err
	}
	return gen.Write(m, gen.Options{Package: "synthetic", ImportPath: modulePath + "/kmsg/internal/synthetic"})
}
