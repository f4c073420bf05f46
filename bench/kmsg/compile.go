package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
)

// A library is what is compiled of one side.
type library struct {
	module, pkg string
	packages    []goPackage // of the module, pkg is the last
	importcfg   string      // file that says where the compiler finds other packages
}

// A goPackage is what the go command tells of a package.
type goPackage struct {
	ImportPath string
	Dir        string
	Export     string
	GoFiles    []string
	Module     *struct{ Path, GoVersion string }
}

// loadLibrary asks the go command for the files of a package and of what it imports, and has
// it compile all of that once.
func loadLibrary(ctx context.Context, module, pkg, scratch string) (*library, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,Module", pkg)
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w%s", pkg, err, stderrOf(err))
	}
	l := &library{module: module, pkg: pkg, importcfg: filepath.Join(scratch, strings.ReplaceAll(pkg, "/", "_")+".importcfg")}
	var cfg bytes.Buffer
	for d := json.NewDecoder(bytes.NewReader(list)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list %s: %w", pkg, err)
		}
		if p.Export != "" {
			fmt.Fprintf(&cfg, "packagefile %s=%s\n", p.ImportPath, p.Export)
		}
		if p.Module != nil && p.Module.Path == module {
			l.packages = append(l.packages, p)
		}
	}
	if len(l.packages) == 0 || l.packages[len(l.packages)-1].ImportPath != pkg {
		return nil, fmt.Errorf("go list %s did not end with it", pkg)
	}
	return l, os.WriteFile(l.importcfg, cfg.Bytes(), 0o600)
}

// build compiles one package as the go command does, and returns the CPU time of the compiler
// and the size of the archive.
func (l *library) build(ctx context.Context, p goPackage, scratch string) (cpu time.Duration, size int64, err error) {
	archive := filepath.Join(scratch, "package.a")
	version := strings.Split(p.Module.GoVersion, ".")
	args := []string{"tool", "compile", "-o", archive, "-p", p.ImportPath, "-trimpath", p.Dir + "=>" + p.ImportPath,
		"-lang=go" + strings.Join(version[:min(2, len(version))], "."), "-complete", "-nolocalimports", "-importcfg", l.importcfg, "-pack"}
	for _, f := range p.GoFiles {
		args = append(args, filepath.Join(p.Dir, f))
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, 0, fmt.Errorf("compile %s: %w: %s", p.ImportPath, err, out)
	}
	info, err := os.Stat(archive)
	if err != nil {
		return 0, 0, err
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), info.Size(), nil
}

// A compilation is what a library cost in one round: its main package, and all of them.
type compilation struct {
	cpu, allCPU   time.Duration
	size, allSize int64
}

func (l *library) compile(ctx context.Context, scratch string) (c compilation, err error) {
	for _, p := range l.packages {
		if c.cpu, c.size, err = l.build(ctx, p, scratch); err != nil {
			return c, err
		}
		c.allCPU += c.cpu
		c.allSize += c.size
	}
	return c, nil
}

const compileRatio = 0.6

// compile prints the table of what it takes to compile both libraries.
func compile(ctx context.Context, out io.Writer, s settings) (err error) {
	scratch, err := os.MkdirTemp("", "kmsg-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	ours, err := loadLibrary(ctx, ourModule, ourModule+"/kmsg", scratch)
	if err != nil {
		return err
	}
	theirs, err := loadLibrary(ctx, theirModule, theirModule, scratch)
	if err != nil {
		return err
	}
	var a, b []compilation
	for i := range s.compileRounds {
		sides := []struct {
			l    *library
			into *[]compilation
		}{{ours, &a}, {theirs, &b}}
		if i%2 == 1 {
			slices.Reverse(sides)
		}
		for _, side := range sides {
			c, err := side.l.compile(ctx, scratch)
			if err != nil {
				return err
			}
			*side.into = append(*side.into, c)
		}
	}
	t := measure.NewTable("", "Franzi", "franz-go", "ratio", "rounds", "to reach", "reached")
	for _, figure := range []struct {
		name  string
		of    func(compilation) float64
		text  func(float64) string
		asked bool
	}{
		{"CPU to compile kmsg", func(c compilation) float64 { return c.cpu.Seconds() }, seconds, true},
		{"archive of kmsg", func(c compilation) float64 { return float64(c.size) }, megabytes, true},
		{"CPU to compile kmsg and what it imports of its module", func(c compilation) float64 { return c.allCPU.Seconds() }, seconds, false},
		{"archives of these", func(c compilation) float64 { return float64(c.allSize) }, megabytes, false},
	} {
		of, theirsOf, ratios := make([]float64, len(a)), make([]float64, len(a)), make([]float64, len(a))
		for i := range a {
			of[i], theirsOf[i] = figure.of(a[i]), figure.of(b[i])
			ratios[i] = of[i] / theirsOf[i]
		}
		asked := ""
		if figure.asked {
			asked = fmt.Sprintf("%.2f", compileRatio)
		}
		t.Row(figure.name, figure.text(measure.Median(of)), figure.text(measure.Median(theirsOf)), fmt.Sprintf("**%.2f**", measure.Median(ratios)),
			fmt.Sprintf("%.2f-%.2f", slices.Min(ratios), slices.Max(ratios)), asked, verdict(figure.asked, measure.Median(ratios) <= compileRatio))
	}
	return t.Print(out, "Compiling")
}

func seconds(s float64) string   { return fmt.Sprintf("%.2f s", s) }
func megabytes(n float64) string { return fmt.Sprintf("%.2f MB", n/1e6) }
