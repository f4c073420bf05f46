package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// folders has the folder of each program.
var folders = map[string]string{
	"sink": "sink", "limit": "limit", "franzi": "franzi", "franz-go": "franzgo", "sarama": "sarama", "kafka-go": "kafkago",
	"confluent": "confluent", "librdkafka": "librdkafka", "java": "java",
}

// build builds the programs, into -work.
func build(clients []client) error {
	root, err := here()
	if err != nil {
		return err
	}
	built := map[string]bool{}
	for _, c := range append(clients, client{program: "sink"}) {
		folder := folders[c.program]
		if folder == "" {
			return fmt.Errorf("-clients: there is no client %q", c.program)
		}
		if built[c.program] {
			continue
		}
		built[c.program] = true
		dir := filepath.Join(root, folder)
		switch c.program {
		case "librdkafka":
			err = buildC(dir, filepath.Join(root, folders["confluent"]))
		case "java":
			err = buildJava(dir)
		default:
			err = run(dir, "go", "build", "-o", filepath.Join(*work, c.program), ".")
		}
		if err != nil {
			return fmt.Errorf("building %s: %w", c.program, err)
		}
	}
	return nil
}

// here is the folder of this program.
func here() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Dir(file)
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("%w: run it where its source is, or with -no-build", err)
	}
	return dir, nil
}

// buildC links with the library and header that confluent-kafka-go carries.
func buildC(dir, module string) error {
	const path = "github.com/confluentinc/confluent-kafka-go/v2"
	if err := run(module, "go", "mod", "download", path); err != nil {
		return err
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path)
	cmd.Dir = module
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	vendor := filepath.Join(strings.TrimSpace(string(out)), "kafka", "librdkafka_vendor")
	return run(dir, "gcc", "-O2", "-I"+vendor, "main.c", filepath.Join(vendor, "librdkafka_glibc_linux_amd64.a"),
		"-lm", "-ldl", "-lpthread", "-lrt", "-o", filepath.Join(*work, "librdkafka"))
}

// buildJava brings the jars through Maven, once, compiles, and writes a program that starts the
// virtual machine.
func buildJava(dir string) error {
	lib, classes := filepath.Join(*work, "java-lib"), filepath.Join(*work, "java-classes")
	if _, err := os.Stat(lib); err != nil {
		if err := run(dir, "mvn", "-B", "-q", "dependency:copy-dependencies", "-DoutputDirectory="+lib); err != nil {
			return err
		}
	}
	if err := run(dir, "javac", "-cp", filepath.Join(lib, "*"), "-d", classes, "Bench.java"); err != nil {
		return err
	}
	script := fmt.Sprintf("#!/bin/sh\nexec java -XX:ActiveProcessorCount=%d %s -cp '%s:%s/*' Bench \"$@\"\n", *goMaxProcs, *javaFlags, classes, lib)
	return os.WriteFile(filepath.Join(*work, "java"), []byte(script), 0o755)
}

func run(dir, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	return cmd.Run()
}
